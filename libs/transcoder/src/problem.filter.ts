import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { status as Status } from '@grpc/grpc-js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFault, presentableError } from './presentable-error.ts';
import { type Problem, problemHeaders, problemOf } from './problem.ts';

/** Answers every error as a problem document, and logs those that are faults of this side. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger('rest');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const error = presentableError(thrown);
    if (isFault(error)) {
      const cause = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      this.#logger.error({
        message: `${request.method} ${request.url} failed`,
        code: Status[error.code],
        requestId: request.id,
        cause,
      });
    }
    sendProblem(reply, request, problemOf(error, request.id));
  }
}

/** Sends a problem. A response that has begun can only break off. */
export function sendProblem(reply: FastifyReply, request: FastifyRequest, problem: Problem): void {
  if (reply.sent || reply.raw.headersSent) {
    reply.raw.destroy();
    return;
  }
  // A body that nobody reads on must not be taken for the next request.
  if (!request.raw.complete) reply.header('connection', 'close');
  void reply
    .status(problem.status)
    .headers(problemHeaders(problem))
    .send(Buffer.from(JSON.stringify(problem))); // a string would get a charset
}
