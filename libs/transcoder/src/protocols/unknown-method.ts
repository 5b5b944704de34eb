import type { IncomingMessage } from 'node:http';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { answerErrorsBy } from '../problem/error-forms.ts';
import { spokenBy } from './protocol.ts';
import { refuse } from './refuse.ts';

/**
 * Has a call of gRPC or gRPC-Web to a path that nothing is at answered as one: its client reads what stands in trailers,
 * and nothing of a 404.
 */
export function answerUnknownMethod(request: IncomingMessage): void {
  const { 'content-type': type } = request.headers;
  if (type?.startsWith('application/grpc') !== true || request.method !== 'POST') return;
  const spoken = spokenBy(type, { kind: 'bidi_streaming' });
  if (spoken === undefined) return;
  answerErrorsBy(request, (reply, error) =>
    refuse(spoken, reply, error.code === Status.NOT_FOUND ? noSuchMethod() : error, ''),
  );
}

function noSuchMethod(): RpcError {
  return new RpcError(Status.UNIMPLEMENTED, 'UNKNOWN_METHOD', 'There is no such method.');
}
