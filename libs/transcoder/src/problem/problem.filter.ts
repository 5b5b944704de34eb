import type { OutgoingHttpHeaders } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, Logger, NotFoundException } from '@nestjs/common';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { takeSecurityHeaders } from '../http/security-headers.ts';
import { breakOff, isHttp2 } from '../http/http2.ts';
import { answerBesideUpload, isInjected } from '../http/lingering-close.ts';
import { errorFormOf } from './error-forms.ts';
import { isFault, presentableError } from './presentable-error.ts';
import { type Problem, problemHeaders, problemOf } from './problem.ts';

/**
 * Answers every error as a problem document, and logs those that are faults of this side. Derived routes have it; an app
 * whose other routes and unknown paths shall answer so too provides it as APP_FILTER.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger('rest');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const error = request.is404 && thrown instanceof NotFoundException ? nothingHere : presentableError(thrown);
    if (isFault(error)) {
      // The stack of an error that came over the wire leads into the transport, and nowhere else.
      const here = thrown instanceof Error && !(thrown instanceof RpcError);
      const cause = here ? thrown.stack : String(thrown);
      this.#logger.error({
        message: `${request.method} ${request.url} failed`,
        code: Status[error.code],
        requestId: request.id,
        cause,
      });
    }
    const answer = errorFormOf(request.raw);
    if (answer === undefined) sendProblem(reply, request, problemOf(error, request.id));
    else answer(reply, error);
  }
}

const nothingHere = new RpcError(Status.NOT_FOUND, 'UNKNOWN_METHOD', 'Nothing is at this path.');

/** Sends a problem. A response that has begun can only break off. */
export function sendProblem(reply: FastifyReply, request: FastifyRequest, problem: Problem): void {
  if (reply.sent || reply.raw.headersSent) {
    breakOff(reply.raw);
    return;
  }
  takeSecurityHeaders(request.raw);
  const body = Buffer.from(JSON.stringify(problem));
  reply.status(problem.status).headers({ ...problemHeaders(problem), 'content-length': body.length });
  if (request.raw.complete || request.raw.destroyed || isHttp2(request.raw) || isInjected(request.raw)) {
    void reply.send(body);
    return;
  }
  reply.hijack();
  answerBesideUpload(reply.raw, reply.statusCode, { ...reply.getHeaders() } as OutgoingHttpHeaders, body);
}
