import type { Message } from '@bufbuild/protobuf';
import type { Binding } from '@rollcall/contract';
import { fromIterable } from '@rollcall/grpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { firstValueFrom, type Observable } from 'rxjs';
import { bodyShareOf } from '../http/body-budget.ts';
import type { BodyLimits } from '../request/body.ts';
import { type RequestParts, type RequestReader, wholeBody } from '../request/reader.ts';
import type { LiveStreams } from '../response/live-streams.ts';
import { Conversation } from './conversation.ts';
import type { Accept } from './handshake.ts';

/** What the calls of one binding have in common. */
export interface Conversed {
  readonly binding: Binding;
  readonly reader: RequestReader;
  readonly limits: BodyLimits;
  readonly live: LiveStreams;
  /** Makes the call. @returns the items of its answers */
  readonly call: (input: Message | Observable<Message>) => Observable<readonly unknown[]>;
}

/**
 * Carries a call out over a WebSocket.
 *
 * @returns once it is closed
 * @throws RpcError when the path, the query or a header is wrong: then the handshake is refused by HTTP
 */
export async function converse(
  accept: Accept,
  { raw, id }: FastifyRequest,
  reply: FastifyReply,
  parts: RequestParts,
  { binding: { method, body }, reader, limits, live, call }: Conversed,
): Promise<void> {
  const isWhole = !method.requestStream && body === 'nothing';
  const request = isWhole ? reader.read(parts, undefined, wholeBody) : undefined;
  reply.hijack();
  const socket = await accept(Math.min(limits.maxBodyBytes, bodyShareOf(raw)?.maxBytes ?? Infinity));
  if (socket === undefined) return;
  const conversation = new Conversation(socket, id);
  const leave = live.enter(conversation);
  try {
    const requests = fromIterable(() => reader.readStream(parts, conversation.documents()));
    const input = request ?? (method.requestStream ? requests : await firstValueFrom(requests));
    await conversation.answer(call(input));
  } catch (error) {
    conversation.fail(error);
  } finally {
    leave();
  }
}
