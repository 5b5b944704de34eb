/** A server whose answers a test writes byte by byte, as a service behind a connection does that may break. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { status as Status } from '@grpc/grpc-js';
import { GrpcChannel, type GrpcChannelOptions } from '../src/client/channel.ts';

/** @param answer takes each call with its path; nothing is answered by itself */
export async function scripted(
  answer: (stream: ServerHttp2Stream, path: string) => void,
  options: GrpcChannelOptions = {},
) {
  const directory = mkdtempSync(join(tmpdir(), 'scripted-'));
  const path = join(directory, 'grpc.sock');
  const sessions = new Set<ServerHttp2Session>();
  const server: Http2Server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    stream.resume();
    answer(stream, String(headers[':path']));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const channel = new GrpcChannel(`unix://${path}`, {
    defaultDeadlineMs: 10_000,
    ...options,
  });
  return {
    channel,
    async [Symbol.asyncDispose]() {
      channel.close();
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export const frame = (message: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};
export const messages = (count: number, bytes: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, at) => frame(Buffer.from(String(at).padEnd(bytes, ' ')))));

/** Sends headers and bytes, and tells once the bytes are with the system; the stream is not ended. */
export function send(stream: ServerHttp2Stream, bytes: Buffer): Promise<void> {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  return new Promise((resolve) => stream.write(bytes, () => resolve()));
}
export const trailers = (stream: ServerHttp2Stream, status: Status): void => {
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status), 'grpc-message': 'told' }));
  stream.end();
};
