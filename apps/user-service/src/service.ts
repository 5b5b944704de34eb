import { type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallLogger, GrpcServer, type ServedContract } from '@rollcall/grpc';
import { rollcallContract, tutorialUserManagerContract, tutorialUserServiceContract } from '@rollcall/proto';
import { AppModule } from './app.module.ts';
import type { Config } from './config.ts';
import { UsersStore } from './users.store.ts';

/** What the service serves, beside health and reflection. */
export const servedContracts: readonly ServedContract[] = [
  { contract: rollcallContract, services: ['rollcall.user.v1.UserService'] },
  { contract: tutorialUserManagerContract, services: ['UserManager'] },
  { contract: tutorialUserServiceContract, services: ['UserService'] },
];

/** A service that is built. `app.listen()` starts it, `app.close()` drains it and closes its store. */
export interface Service {
  readonly app: INestMicroservice;
  readonly server: GrpcServer;
}

/** Builds the service over its store. @throws Error when the store cannot be opened */
export async function createService({ listen, dataDir, logLevels }: Config): Promise<Service> {
  const store = await UsersStore.open(dataDir);
  try {
    const server = new GrpcServer({ listen, serve: servedContracts });
    const app = await NestFactory.createMicroservice(AppModule.over(store), {
      strategy: server,
      logger: new CallLogger({
        json: !process.stdout.isTTY,
        logLevels,
      }),
      abortOnError: false,
    });
    return { app, server };
  } catch (error) {
    await store.onApplicationShutdown();
    throw error;
  }
}
