// The variant `raw`: grpc-js alone, with the same codecs and no Nest.
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { codecsOf, type MethodCodec } from '@rollcall/contract';
import { testingContract } from '@rollcall/contract/testing';
import { books, readFilePath, streamBooksPath } from './shelf.ts';

const server = new Server();
const codecs = codecsOf(testingContract);

function codecOf(path: string): MethodCodec {
  const codec = codecs.get(path);
  if (codec === undefined) throw new Error(`no codec for ${path}`);
  return codec;
}

const readFile = codecOf(readFilePath);
server.register(
  readFilePath,
  ((call: ServerUnaryCall<{ path: string }, object>, respond: sendUnaryData<object>) =>
    respond(null, { path: call.request.path })) as never,
  readFile.encodeResponse,
  readFile.decodeRequest,
  'unary',
);

const streamBooks = codecOf(streamBooksPath);
server.register(
  streamBooksPath,
  ((call: ServerWritableStream<{ count: number; perMessage: number }, object>) => {
    const messages = books(call.request);
    const pump = (): void => {
      for (;;) {
        const { done, value } = messages.next();
        if (done === true) {
          call.end();
          return;
        }
        if (!call.write(value)) {
          call.once('drain', pump);
          return;
        }
      }
    };
    pump();
  }) as never,
  streamBooks.encodeResponse,
  streamBooks.decodeRequest,
  'serverStream',
);

server.bindAsync(process.env['LISTEN'] ?? '', ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
process.on('SIGTERM', () => server.forceShutdown());
