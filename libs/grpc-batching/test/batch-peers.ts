/** What tests of batched calls need beside a shelf service. */
import type { ServerHttp2Session } from 'node:http2';
import { Client, type ClientDuplexStream, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { lastValueFrom, type Observable } from 'rxjs';
import { type RpcError, http2Servers } from '@rollcall/grpc';
import { batchPath } from '../src/wire/method.ts';
import type { Service } from '../../grpc/test/shelf-service.ts';

/** What reached a server: the paths of its HTTP/2 streams, and the connections that brought them. */
export function watchStreams(service: Service) {
  const paths: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  for (const server of http2Servers(service.server.unwrap())) {
    server.on('stream', ({ session }, headers) => {
      paths.push(String(headers[':path']));
      if (session !== undefined) sessions.add(session as ServerHttp2Session);
    });
  }
  return { paths, sessions };
}

/** The error of a call that fails. */
export function failure(call: Observable<unknown>): Promise<RpcError> {
  return lastValueFrom(call, { defaultValue: undefined }).then(
    () => Promise.reject(new Error('the call did not fail')),
    (error: RpcError) => error,
  );
}

/** A stream whose messages a test makes up by itself. */
export interface RawBatchStream extends Disposable {
  readonly stream: ClientDuplexStream<Buffer, Buffer>;
  readonly received: Buffer[];
  readonly status: Promise<StatusObject>;
}

export function openBatchStream(target: string): RawBatchStream {
  const client = new Client(target, credentials.createInsecure());
  const identity = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeBidiStreamRequest(batchPath, identity, identity, new Metadata());
  const received: Buffer[] = [];
  stream.on('data', (frame: Buffer) => received.push(frame));
  stream.on('error', () => undefined);
  const status = new Promise<StatusObject>((resolve) => stream.on('status', resolve));
  return {
    stream,
    received,
    status,
    [Symbol.dispose]() {
      stream.cancel();
      client.close();
    },
  };
}
