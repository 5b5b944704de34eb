/** Calls by HTTP/2 alone, so that a test can say to the byte what is sent, and read as little as it likes. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { status as Status } from '@grpc/grpc-js';
import { shelfServiceName } from './shelf-service.ts';

/** Opens a connection to a server on a unix socket. */
export function plainConnection({ target }: { readonly target: string }): ClientHttp2Session {
  const path = target.replace('unix://', '');
  const session = connect('http://shelf', {
    createConnection: () => connectSocket(path),
    maxSendHeaderBlockLength: 10_000_000, // Node itself would send no more than 64 KiB
  });
  session.on('error', () => undefined); // the tests ask for its end
  return session;
}

/** What every call sends beside its own headers. */
export const fixedHeaders = { 'content-type': 'application/grpc', te: 'trailers' };

/** Sends a request of no fields, in the frame that gRPC puts around it. Nothing of the answer is read yet. */
export function request(
  session: ClientHttp2Session,
  method = 'ReadFile',
  headers: OutgoingHttpHeaders = {},
): ClientHttp2Stream {
  const path = `/${shelfServiceName}/${method}`;
  const stream = session.request({ ':method': 'POST', ':path': path, ...fixedHeaders, ...headers });
  stream.on('error', () => undefined); // `end` tells of it
  stream.end(Buffer.alloc(5));
  return stream;
}

/** Waits for the end of a call. @returns its status, or the code that HTTP/2 reset it with, as `reset 11` */
export async function end(stream: ClientHttp2Stream): Promise<string> {
  let status: string | undefined;
  const take = (headers: IncomingHttpHeaders): void => {
    if (typeof headers['grpc-status'] === 'string') status = headers['grpc-status'];
  };
  stream.on('response', take).on('trailers', take);
  await new Promise((resolve) => stream.on('close', resolve));
  return status === undefined ? `reset ${stream.rstCode}` : (Status[Number(status)] ?? status);
}

/** Calls ReadFile, and reads the answer. @returns as `end` does */
export function call(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): Promise<string> {
  return end(request(session, 'ReadFile', headers).resume());
}
