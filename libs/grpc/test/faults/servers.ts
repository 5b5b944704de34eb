/** The two servers that the suite sets side by side, each with the same client: a GrpcChannel. */
import { GrpcChannel, type GrpcChannelOptions } from '../../src/client/channel.ts';
import { type GrpcServerOptions } from '../../src/server/grpc-server.ts';
import { type RpcError } from '../../src/status/rpc-error.ts';
import { type ServerInterceptor, ServerInterceptingCall } from '@grpc/grpc-js';
import type { CanActivate, Type } from '@nestjs/common';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { lastValueFrom, type Observable } from 'rxjs';
import { type Shelf, shelfServiceName, startShelf } from '../shelf-service.ts';
import { startStock, type StockHandlers, type StockOptions } from './processes/stock.ts';

/** Handlers that know of their request alone, which both servers can run. */
export type SharedHandlers = { [Name in keyof StockHandlers]?: (request: never) => unknown };

export interface Served extends AsyncDisposable {
  readonly target: string;
  readonly client: Shelf;
  close(): Promise<void>;
}

export interface SharedOptions {
  readonly guard?: Type<CanActivate>;
  /** What sees the messages of all calls. */
  readonly interceptor?: ServerInterceptor;
}

/** Starts a server of one kind. */
export type Start = (handlers: SharedHandlers, options?: SharedOptions) => Promise<Served>;

/** libs/grpc. */
export const ours: Start = (handlers, { guard, interceptor } = {}) =>
  startShelf(handlers, {
    ...(guard !== undefined && { guard }),
    ...(interceptor !== undefined && { channelOptions: { interceptors: [interceptor] } }),
  } satisfies Partial<GrpcServerOptions> & { guard?: Type<CanActivate> });

/** Nest's own transport. */
export const stock: Start = (handlers, { guard, interceptor } = {}) =>
  startStockShelf(handlers, {
    ...(guard !== undefined && { guard: new guard() }),
    ...(interceptor !== undefined && { grpc: { channelOptions: { interceptors: [interceptor] } } }),
  });

/** Nest's own transport, with handlers and options of its own. */
export async function startStockShelf(handlers: StockHandlers, options: StockOptions = {}): Promise<Served> {
  const service = await startStock(handlers, options);
  const { client, close } = connect(service.target);
  return {
    target: service.target,
    client,
    close: () => service.close(),
    async [Symbol.asyncDispose]() {
      close();
      await service[Symbol.asyncDispose]();
    },
  };
}

/** A client on a connection of its own. */
export function connect(target: string, options: GrpcChannelOptions = {}) {
  const channelOptions = { 'grpc.use_local_subchannel_pool': 1 };
  const channel = new GrpcChannel(target, { channelOptions, ...options });
  const client = channel.client<Shelf>(testingContract, shelfServiceName);
  const close = (): void => channel.close();
  return { channel, client, close, [Symbol.dispose]: close };
}

/** Counts the messages that a server reads from its calls and sends to them. */
export function messageCounter() {
  const counts = { read: 0, sent: 0 };
  const interceptor: ServerInterceptor = (_, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMessage: (message: unknown, deliver) => {
            counts.read++;
            deliver(message);
          },
        }),
      sendMessage: (message: unknown, send) => {
        counts.sent++;
        send(message);
      },
    });
  return { counts, interceptor };
}

/** The error of a call that has to fail. */
export function failure(call: Observable<unknown>): Promise<RpcError> {
  return lastValueFrom(call).then(
    () => Promise.reject(new Error('the call did not fail')),
    (error: RpcError) => error,
  );
}

/** A request of a stream. */
export const named = (name: string, shelf = ''): shelf.CountBooksRequest => ({ shelf, name });

/** A request for a stream of books, of which the handlers here read nothing. */
export const anyBooks = {} as shelf.StreamBooksRequest;
