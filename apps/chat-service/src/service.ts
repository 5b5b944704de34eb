import { type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { addressKeys, callAddress, isOpenToAll, readServiceToken, RemoteCallers } from '@rollcall/access';
import { batchClient, batchServer } from '@rollcall/grpc-batching';
import { CallLogger, GrpcChannel, GrpcServer, type ServedContract, TlsFiles } from '@rollcall/grpc';
import { type callers, rollcallContract, tutorialChatServerContract, type userService } from '@rollcall/proto';
import { AppModule } from './app.module.ts';
import { authorizeCalls } from './authorize.ts';
import { Chat } from './chat/chat.ts';
import type { Config } from './config.ts';
import { Directory } from './notes/authors.ts';
import { LogWatch } from './log/watch.ts';
import { openRooms } from './open-rooms.ts';
import { RoomShares } from './rooms/shares.ts';

/** What the service serves, beside health and reflection. */
export const servedContracts: readonly ServedContract[] = [
  { contract: rollcallContract, services: ['rollcall.chat.v1.ChatService'] },
  { contract: tutorialChatServerContract, services: ['grpc.ChatServer'] },
];

/** A service that is built. `app.listen()` starts it, `app.close()` drains it and closes its log. */
export interface Service {
  readonly app: INestMicroservice;
  readonly server: GrpcServer;
}

/** Builds the service over its log. @throws Error when the log or a file of TLS cannot be opened */
export async function createService(config: Config): Promise<Service> {
  const { listen, userTarget, logLevels, limits, drainMs, protectedMode } = config;
  const tls = config.tls && new TlsFiles(config.tls);
  const { log, presence } = await openRooms(config);
  const users = new GrpcChannel(userTarget, {
    contracts: [rollcallContract],
    tls,
    unaryCalls: config.batchedCalls ? batchClient() : undefined,
  });
  const token = protectedMode ? () => undefined : () => readServiceToken(config.serviceTokenFile);
  const directory = new Directory(
    users.client<userService.UserServiceClient>(rollcallContract, 'rollcall.user.v1.UserService'),
    token,
  ).start();
  const remote = new RemoteCallers(
    users.client<callers.CallerServiceClient>(rollcallContract, 'rollcall.access.v1.CallerService'),
    token,
  );
  const authorization = authorizeCalls(config, remote, callAddress(config.trustedProxies, listen.startsWith('unix:')));
  const server = new GrpcServer({
    errorDomain: 'rollcall',
    listen,
    serve: servedContracts,
    authorize: authorization.authorize,
    isOpenToAll,
    addressKey: (address) => addressKeys(address).one,
    limits,
    drainMs,
    tls,
    plugins: config.batchedCalls ? [batchServer()] : [],
  });
  const watch = new LogWatch(log, server);
  const shares = new RoomShares(config.roomsPerUserAndHour);
  const chat = new Chat(log, presence, directory, shares, remote.reportWrite);
  chat.onClose(async () => {
    watch.close();
    directory.close();
    await authorization.close();
    users.close();
    await presence.close();
    await log.close();
  });
  try {
    const app = await NestFactory.createMicroservice(AppModule.over(chat), {
      strategy: server,
      logger: new CallLogger({ json: !process.stdout.isTTY, logLevels }),
      abortOnError: false,
    });
    watch.start();
    return { app, server };
  } catch (error) {
    await chat.onApplicationShutdown();
    throw error;
  }
}
