// The variant `by-the-book`: the gRPC service, on Nest's own transport.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { userServiceOptions } from '../gateway/by-the-book-grpc.ts';
import { PlainUsers } from '../gateway/plain-users.ts';
import { UserController } from './user.controller.ts';

@Module({
  controllers: [UserController],
  providers: [{ provide: PlainUsers, useFactory: () => new PlainUsers(process.env['DATA_DIR'] ?? '') }],
})
class UserServiceModule {}

const app = await NestFactory.createMicroservice<MicroserviceOptions>(UserServiceModule, {
  ...userServiceOptions(process.env['USER_LISTEN'] ?? ''),
  logger: ['fatal', 'error', 'warn'],
});
app.enableShutdownHooks();
await app.listen();
