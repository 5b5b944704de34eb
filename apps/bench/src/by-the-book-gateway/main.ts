// The variant `by-the-book`: the REST gateway, a controller over Nest's own gRPC client.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { userServiceOptions } from '../gateway/by-the-book-grpc.ts';
import { usersClient, UsersController } from './users.controller.ts';

@Module({
  imports: [ClientsModule.register([{ name: usersClient, ...userServiceOptions(process.env['USER_TARGET'] ?? '') }])],
  controllers: [UsersController],
})
class GatewayModule {}

const app = await NestFactory.create<NestFastifyApplication>(GatewayModule, new FastifyAdapter(), {
  logger: ['fatal', 'error', 'warn'],
});
app.enableShutdownHooks();
await app.listen(process.env['LISTEN'] ?? '');
