import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata, status as Status } from '@grpc/grpc-js';
import { type LoggerService, Module, type Provider, type Type } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  type CallContext,
  GrpcChannel,
  GrpcController,
  GrpcServer,
  fromIterable,
  RpcError,
  toAsyncIterable,
} from '@rollcall/grpc';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { map, tap, type Observable } from 'rxjs';
import { type AdapterOptions, transcoderAdapter } from '../src/transcoder.adapter.ts';
import { ProblemFilter } from '../src/problem/problem.filter.ts';
import { TranscoderModule } from '../src/transcoder.module.ts';
import { type TranscoderOptions } from '../src/options.ts';

const service = 'testing.v1.ShelfService';

/** What the handlers of the last calls saw. */
export const seen: {
  emitted: number;
  closed: number;
  counted: string[];
  cancelled: unknown[];
  contexts: CallContext[];
} = {
  emitted: 0,
  closed: 0,
  counted: [],
  cancelled: [],
  contexts: [],
};

@GrpcController(testingContract, service)
class ShelfController implements shelf.ShelfServiceController {
  getBook({ name }: shelf.GetBookRequest, context: CallContext): Promise<shelf.Book> {
    seen.contexts.push(context);
    const last = name.split('/').at(-1);
    if (last === 'missing')
      throw new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', 'No book has this name.', { metadata: { name } });
    if (last === 'broken') throw new Error('the driver says: password wrong');
    if (last === 'invalid') {
      throw new RpcError(Status.INVALID_ARGUMENT, 'INVALID_FIELD', 'the_name: is wrong', {
        violations: [{ field: 'the_name', description: 'is wrong', reason: 'odd' }],
      });
    }
    if (last === 'busy')
      throw new RpcError(Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE', 'Busy.', { retryDelayMs: 1500 });
    if (last === 'closed') throw new RpcError(Status.UNAUTHENTICATED, 'SIGN_IN_REQUIRED', 'Sign in.');
    if (last === 'expired') throw new RpcError(Status.UNAUTHENTICATED, 'CREDENTIAL_INVALID', 'Sign in again.');
    if (last === 'crowded')
      throw new RpcError(Status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 'Wait.', { retryDelayMs: 1001 });
    if (last === 'slow') {
      return new Promise((_, reject) => {
        context.signal.addEventListener('abort', () => {
          seen.cancelled.push('getBook');
          reject(new Error('cancelled'));
        });
      });
    }
    return Promise.resolve({ name, etag: 'v1' } as shelf.Book);
  }
  readFile({ path }: shelf.ReadFileRequest): shelf.ReadFileResponse {
    return { path };
  }
  echoBook({ book, pageNumbers }: shelf.EchoBookRequest): shelf.EchoBookResponse {
    return { book, pageNumbers };
  }
  createBook({ parent, book, requestId }: shelf.CreateBookRequest): shelf.Book {
    return { ...book, name: `${parent}/books/${book?.name}`, aString: requestId, etag: 'v1' } as shelf.Book;
  }
  updateBook({ book, updateMask }: shelf.UpdateBookRequest): shelf.UpdateBookResponse {
    if (!['', 'new'].includes(book?.etag ?? ''))
      throw new RpcError(Status.ABORTED, 'ETAG_MISMATCH', 'The book has changed.');
    return { book, updateMask };
  }
  listBooks(request: shelf.ListBooksRequest): shelf.ListBooksResponse {
    return { request, nextPageToken: request.pageToken === '' ? 'a/b+c' : '' };
  }
  async countBooks(requests: Observable<shelf.CountBooksRequest>): Promise<shelf.CountBooksResponse> {
    const shelves: string[] = [];
    seen.counted = [];
    try {
      for await (const { shelf, name } of toAsyncIterable(requests)) {
        shelves.push(shelf);
        seen.counted.push(name);
      }
    } catch (error) {
      seen.cancelled.push(error);
      throw error;
    }
    return { count: String(shelves.length), shelves: shelves.slice(0, 10) };
  }
  streamBooks({
    count,
    perMessage,
    failAfter,
    after,
  }: shelf.StreamBooksRequest): Observable<shelf.StreamBooksResponse> {
    seen.emitted = 0;
    seen.closed = 0;
    return fromIterable(function* () {
      try {
        for (let number = Number(after) + 1; number <= count;) {
          const books = [];
          for (; books.length < Math.max(1, perMessage) && number <= count; number++) {
            if (failAfter > 0 && number > failAfter) break;
            books.push({ number: String(number) });
          }
          seen.emitted += books.length;
          if (books.length > 0) yield { books };
          if (failAfter > 0 && number > failAfter)
            throw new RpcError(Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE', 'Gone.');
        }
        if (failAfter < 0) throw new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', 'No books.');
      } finally {
        seen.closed++;
      }
    });
  }
  talkBooks(requests: Observable<shelf.CountBooksRequest>): Observable<shelf.TalkBooksResponse> {
    return requests.pipe(
      tap({ error: (error: unknown) => seen.cancelled.push(error) }),
      map(({ shelf, name }) => ({ name: `${shelf}${name}` })),
    );
  }
  unruled({ book, pageNumbers }: shelf.EchoBookRequest): shelf.EchoBookResponse {
    return { book, pageNumbers };
  }
}

export interface Rest extends AsyncDisposable {
  readonly app: NestFastifyApplication;
  readonly socketPath: string;
  /** Stops the gRPC server behind the routes. */
  stopService(): Promise<void>;
}

export interface Shelf {
  readonly channel: GrpcChannel;
  /** Where a server beside it may listen. */
  readonly directory: string;
  /** Stops the service, and leaves the channel. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a shelf service on a unix socket, with a channel to it. */
export async function startShelf(controllers: Type[] = [ShelfController]): Promise<Shelf> {
  const directory = mkdtempSync(join(tmpdir(), 'rest-'));
  @Module({ controllers })
  class ServiceModule {}
  const listen = `unix://${directory}/grpc.sock`;
  const grpc = await NestFactory.createMicroservice(ServiceModule, {
    strategy: new GrpcServer({
      errorDomain: 'testing.v1',
      listen,
      serve: [{ contract: testingContract, services: [service] }],
      drainMs: 200,
    }),
    logger: false,
  });
  await grpc.listen();
  const channel = new GrpcChannel(listen);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= grpc.close());
  return {
    channel,
    directory,
    stop,
    close: async () => {
      channel.close();
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The options of a TranscoderModule before a shelf. */
export function shelfOptions({ channel }: Pick<Shelf, 'channel'>): TranscoderOptions {
  return { contracts: [testingContract], services: [service], channelFor: () => channel, drainMs: 200 };
}

/** Starts REST over a shelf service, both on unix sockets. */
export async function startRest(
  options: Partial<TranscoderOptions> & {
    providers?: Provider[];
    controllers?: Type[];
    adapter?: AdapterOptions;
    logger?: LoggerService;
  } = {},
): Promise<Rest> {
  const shelf = await startShelf();
  @Module({
    imports: [TranscoderModule.register({ ...shelfOptions(shelf), ...options })],
    providers: [{ provide: APP_FILTER, useClass: ProblemFilter }, ...(options.providers ?? [])],
    controllers: options.controllers ?? [],
  })
  class RestModule {}
  const app = await NestFactory.create<NestFastifyApplication>(RestModule, transcoderAdapter(options.adapter), {
    bodyParser: false,
    logger: options.logger ?? false,
  });
  const socketPath = `${shelf.directory}/http.sock`;
  await app.listen(socketPath);
  return {
    app,
    socketPath,
    stopService: () => shelf.stop(),
    async [Symbol.asyncDispose]() {
      await app.close();
      await shelf.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever JSON came
  readonly json: any;
  /** Whether the body ended as HTTP says a body ends. */
  readonly complete: boolean;
}

export interface Asked {
  verb?: string;
  /** A list is sent in as many lines. */
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
}

/** Opens an HTTP request; its body is the caller's to write. */
export function openRequest(
  { socketPath }: { socketPath: string },
  path: string,
  { verb = 'GET', headers = {} }: Asked = {},
): ClientRequest {
  return httpRequest({ socketPath, path, method: verb, headers, agent: false });
}

/** Sends an HTTP request, and reads the answer to its end. */
export function ask(rest: { socketPath: string }, path: string, asked: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = openRequest(rest, path, asked);
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      const finish = (): void => {
        const text = Buffer.concat(chunks).toString();
        const json =
          /json$|json;/.test(response.headers['content-type'] ?? '') && text !== '' ? parse(text) : undefined;
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json,
          complete: response.complete,
        });
      };
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', finish);
      response.on('error', finish);
    });
    request.end(asked.body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a stream in lines, or one that broke off
  }
}

/** Sends JSON. */
export function send(
  rest: { socketPath: string },
  verb: string,
  path: string,
  json: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(rest, path, {
    verb,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(json),
  });
}

/** Waits until a condition holds, checked at each turn of the event loop; the test's own time limit ends the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export { Metadata };
