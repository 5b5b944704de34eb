import type { IncomingMessage } from 'node:http';
import type { RpcError } from '@rollcall/grpc';
import type { FastifyReply } from 'fastify';

/** Answers a request with an error, in another form than a problem document. */
export type ErrorForm = (reply: FastifyReply, error: RpcError) => void;

const forms = new WeakMap<IncomingMessage, ErrorForm>();

/** Has the errors of a request answered in a form of its own. */
export function answerErrorsBy(request: IncomingMessage, form: ErrorForm): void {
  forms.set(request, form);
}

/** The form that the errors of a request have; undefined when that is a problem document. */
export function errorFormOf(request: IncomingMessage): ErrorForm | undefined {
  return forms.get(request);
}
