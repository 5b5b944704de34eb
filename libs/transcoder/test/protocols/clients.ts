import { connect as connectSocket } from 'node:net';
import type { DescService } from '@bufbuild/protobuf';
import { type CallOptions, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { testingContract } from '@rollcall/contract/testing';

/** How a client of others calls. */
export interface Way {
  readonly protocol: 'Connect' | 'gRPC-Web' | 'gRPC';
  readonly httpVersion: '1.1' | '2';
  readonly json?: boolean;
}

/** All ways that there are; gRPC needs HTTP/2. */
export const ways: Way[] = [
  { protocol: 'Connect', httpVersion: '1.1' },
  { protocol: 'Connect', httpVersion: '1.1', json: true },
  { protocol: 'Connect', httpVersion: '2' },
  { protocol: 'gRPC-Web', httpVersion: '1.1' },
  { protocol: 'gRPC-Web', httpVersion: '2' },
  { protocol: 'gRPC', httpVersion: '2' },
  { protocol: 'gRPC', httpVersion: '2', json: true },
];

export const shelfService: DescService = serviceNamed('testing.v1.ShelfService');

function serviceNamed(name: string): DescService {
  const desc = testingContract.registry.getService(name);
  if (desc === undefined) throw new Error(`the contract has no ${name}`);
  return desc;
}

interface Book {
  readonly name: string;
  readonly etag: string;
}

interface Numbered {
  readonly books: readonly { readonly number: string }[];
}

/** What it calls. */
export interface ShelfClient {
  getBook(request: { name: string }, options?: CallOptions): Promise<Book>;
  listBooks(request: object, options?: CallOptions): Promise<object>;
  createBook(request: object, options?: CallOptions): Promise<Book>;
  countBooks(
    requests: AsyncIterable<object>,
    options?: CallOptions,
  ): Promise<{ readonly count: bigint; readonly shelves: readonly string[] }>;
  streamBooks(request: object, options?: CallOptions): AsyncIterable<Numbered>;
  talkBooks(requests: AsyncIterable<object>, options?: CallOptions): AsyncIterable<{ readonly name: string }>;
  unruled(request: object, options?: CallOptions): Promise<object>;
}

/** A client that nobody here wrote, and what closes its connection. */
export function foreignClient(
  { socketPath }: { socketPath: string },
  { protocol, httpVersion, json = false }: Way,
  more: { readonly useHttpGet?: boolean; readonly acceptCompression?: [] } = {},
): { readonly client: ShelfClient; [Symbol.dispose](): void } {
  const baseUrl = 'http://localhost';
  const sessions = new Http2SessionManager(baseUrl, {}, { createConnection: () => connectSocket(socketPath) });
  const common = { baseUrl, useBinaryFormat: !json, ...more };
  const transport: Transport =
    protocol === 'gRPC'
      ? createGrpcTransport({ ...common, sessionManager: sessions })
      : (protocol === 'Connect' ? createConnectTransport : createGrpcWebTransport)(
          httpVersion === '2'
            ? { ...common, httpVersion, sessionManager: sessions }
            : { ...common, httpVersion, nodeOptions: { socketPath } },
        );
  return {
    client: createClient(shelfService, transport) as unknown as ShelfClient,
    [Symbol.dispose]: () => sessions.abort(),
  };
}
