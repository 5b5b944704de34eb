import { Client, credentials, Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { type BatchResponse, decodeBatchResponse, encodeBatchResponse } from '../../src/wire/frames.ts';
import { batchPath } from '../../src/wire/method.ts';

type Replies = BatchResponse['replies'];

/** Stands between a caller of batched calls and their server, and passes answers on as something else. */
export async function startBetween(
  target: string,
  pass: (replies: Replies) => Replies,
): Promise<Disposable & { readonly address: string }> {
  const identity = (bytes: Buffer): Buffer => bytes;
  const client = new Client(target, credentials.createInsecure());
  const server = new Server();
  const carry = (stream: ServerDuplexStream<Buffer, Buffer>): void => {
    const onward = client.makeBidiStreamRequest(batchPath, identity, identity, new Metadata());
    onward.on('metadata', (headers) => stream.sendMetadata(headers));
    onward.on('data', (frame: Buffer) => {
      const { replies, draining } = decodeBatchResponse(frame);
      stream.write(encodeBatchResponse({ replies: pass(replies), draining }));
    });
    onward.on('end', () => stream.end());
    onward.on('error', () => undefined); // the caller has gone, and the stream with it
    stream.on('data', (frame: Buffer) => onward.write(frame));
    stream.on('end', () => onward.end());
    stream.on('cancelled', () => onward.cancel());
  };
  server.register(batchPath, carry, identity, identity, 'bidi');
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.dispose]() {
      server.forceShutdown();
      client.close();
    },
  };
}
