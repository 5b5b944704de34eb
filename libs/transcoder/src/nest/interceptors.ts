import { Logger } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { Method } from '@rollcall/contract';
import type { FastifyReply } from 'fastify';

/** Where Nest keeps the interceptors of a handler. */
const interceptors = '__interceptors__';

/** Whether interceptors see what a handler returns. The value of an answer is made for them alone: its text is what is sent. */
export function isIntercepted(handler: object, config: ApplicationConfig): boolean {
  return (
    config.getGlobalInterceptors().length > 0 ||
    config.getGlobalRequestInterceptors().length > 0 ||
    Reflect.hasMetadata(interceptors, handler)
  );
}

/** Streams write what they have, and nothing is left for Nest to send. Whoever maps their answer is told that it is in vain. */
export function dropWhatIsReturned(reply: FastifyReply, { path }: Method): void {
  reply.send = (value?: unknown) => {
    if (value !== undefined && value !== null)
      new Logger('rest').warn(
        `An interceptor gave an answer to ${path}, which had been answered: streams are not mapped.`,
      );
    return reply;
  };
}
