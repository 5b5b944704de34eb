import { type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallLogger, GrpcServer, type ServedContract } from '@rollcall/grpc';
import { rollcallContract, tutorialUserManagerContract, tutorialUserServiceContract } from '@rollcall/proto';
import { AppModule } from './app.module.ts';
import { AuditWatch } from './audit-watch.ts';
import type { Config, Database } from './config.ts';
import { DatabaseWatch } from './database-watch.ts';
import type { Engine } from './store/engine.ts';
import { openPostgres } from './store/postgres-engine.ts';
import { openSqlite } from './store/sqlite-engine.ts';
import { UsersStore } from './store/users.store.ts';

/** What the service serves, beside health and reflection. */
export const servedContracts: readonly ServedContract[] = [
  { contract: rollcallContract, services: ['rollcall.user.v1.UserService', 'rollcall.audit.v1.AuditService'] },
  { contract: tutorialUserManagerContract, services: ['UserManager'] },
  { contract: tutorialUserServiceContract, services: ['UserService'] },
];

/** A service that is built. `app.listen()` starts it, `app.close()` drains it and closes its store. */
export interface Service {
  readonly app: INestMicroservice;
  readonly server: GrpcServer;
}

/** Builds the service over its store. @throws Error when the store cannot be opened */
export async function createService(config: Config): Promise<Service> {
  const { listen, keepDeletedMs, keepChangesMs, logLevels, limits, drainMs } = config;
  const store = await UsersStore.over(await openEngine(config.database), { keepChangesMs });
  try {
    const server = new GrpcServer({ listen, serve: servedContracts, limits, drainMs });
    const app = await NestFactory.createMicroservice(AppModule.over(store, keepDeletedMs), {
      strategy: server,
      logger: new CallLogger({
        json: !process.stdout.isTTY,
        logLevels,
      }),
      abortOnError: false,
    });
    store.maintenance.start();
    new DatabaseWatch(store, server).start();
    new AuditWatch(store).start();
    return { app, server };
  } catch (error) {
    await store.onApplicationShutdown();
    throw error;
  }
}

/** Opens the database. @throws Error when it cannot be opened */
export function openEngine(database: Database): Promise<Engine> {
  return database.engine === 'sqlite' ? openSqlite(database.dataDir) : openPostgres(database.url, database.poolSize);
}
