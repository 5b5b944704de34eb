import type { OutgoingHttpHeaders } from 'node:http';
import type { RpcError } from '@rollcall/grpc';
import type { FastifyReply } from 'fastify';
import { answerIn } from './answer.ts';
import type { Spoken } from './protocol.ts';
import { failureOf } from './status.ts';

/** Answers a request with an error in its protocol. @param domain whose reasons errors of this side have */
export function refuse(spoken: Spoken, reply: FastifyReply, error: RpcError, domain: string): void {
  if (reply.sent || reply.raw.headersSent) return;
  reply.hijack();
  const answer = answerIn(spoken, reply.raw, 'identity', reply.getHeaders() as OutgoingHttpHeaders);
  answer.fail(failureOf(error, undefined, domain));
}
