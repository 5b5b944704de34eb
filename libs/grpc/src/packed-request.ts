import { AsyncResource } from 'node:async_hooks';
import { Metadata, status as Status } from '@grpc/grpc-js';
import { errorFromStatus } from './error-status.ts';
import type { Outgoing } from './outgoing.ts';
import type { PackedCall } from './packed-call.ts';
import type { PackedChannel } from './packed-channel.ts';
import type { ReplyEntry } from './packed-frames.ts';
import { RpcError } from './rpc-error.ts';

/**
 * Makes a unary call that a stream carries, if it can be, and otherwise with a stream of its own.
 *
 * @param metadataBytes the size of its metadata
 * @returns what cancels it
 */
export function callPacked<Request, Response>(
  packed: PackedChannel,
  outgoing: Outgoing<Request, Response> & { readonly input: Request },
  metadataBytes: number,
  callPlainly: <Input>(outgoing: Outgoing<Input, Response>) => () => void,
): () => void {
  const { method, input, subscriber, parent, deadline, metadata } = outgoing;
  let request: Buffer;
  try {
    request = method.encode(input);
  } catch {
    return callPlainly(outgoing); // which fails in the same way, and tells of it as it always does
  }
  const { path, requestStream, responseStream, idempotent = false } = method;
  const plainly = (): (() => void) => {
    const decode = (bytes: Buffer): Response => method.decode(bytes);
    const encoded = { path, requestStream, responseStream, idempotent, encode: () => request, decode };
    return callPlainly({ ...outgoing, method: encoded });
  };
  const bytes = request.length + metadataBytes;
  if (!packed.carries(bytes)) return plainly();

  // What the answer leads to belongs to whoever made the call, not to whoever was the first to need the stream.
  // A snapshot of AsyncLocalStorage means the same and takes fifty times as long.
  const context = new AsyncResource('PackedCall', { requireManualDestroy: true });
  let cancel = (): void => packed.cancel(call);
  const sendPlainly = (): void => {
    parent?.signal.removeEventListener('abort', onAbort);
    try {
      cancel = plainly();
    } catch (error) {
      subscriber.error(error); // the channel was closed meanwhile
    }
  };
  const call: PackedCall = {
    method: path,
    metadata,
    deadline,
    request,
    bytes,
    idempotent,
    ends: {
      reply: (reply) =>
        // Plain calls have retries of their own, which then go on.
        idempotent && unavailable(reply)
          ? context.runInAsyncScope(sendPlainly)
          : context.runInAsyncScope(take<Request, Response>, null, reply, outgoing, packed.maxResponseBytes),
      fail: (error) => context.runInAsyncScope(() => subscriber.error(error)),
      sendPlainly: () => context.runInAsyncScope(sendPlainly),
    },
  };
  const onAbort = (): void => {
    packed.cancel(call);
    subscriber.error(new RpcError(Status.CANCELLED, '', 'Cancelled on client'));
  };
  parent?.signal.addEventListener('abort', onAbort);
  packed.call(call);
  return () => {
    parent?.signal.removeEventListener('abort', onAbort);
    cancel();
  };
}

/** Whether a call was not answered: what came with headers counts as an answer. */
function unavailable({ status, headers }: ReplyEntry): boolean {
  return status === unavailableCode && headers === undefined;
}

const unavailableCode: number = Status.UNAVAILABLE;

/** Takes the answer to a call that was carried, as grpc-js does with one that was not. */
function take<Request, Response>(
  reply: ReplyEntry,
  { method, options: { onHeaders, onTrailers }, subscriber }: Outgoing<Request, Response>,
  maxResponseBytes: number,
): void {
  const trailers = reply.trailers ?? new Metadata();
  const fail = (code: Status, details: string): void => {
    onTrailers?.(trailers);
    subscriber.error(errorFromStatus({ code, details, metadata: trailers }));
  };
  if (reply.status !== 0) {
    if (reply.headers !== undefined) onHeaders?.(reply.headers);
    fail(reply.status, reply.message);
    return;
  }
  onHeaders?.(reply.headers ?? new Metadata());
  const { length } = reply.response;
  if (length > maxResponseBytes) {
    fail(Status.RESOURCE_EXHAUSTED, `Received message larger than max (${length} vs ${maxResponseBytes})`);
    return;
  }
  let response: Response;
  try {
    response = method.decode(reply.response);
  } catch (error) {
    fail(Status.INTERNAL, `Response message parsing error: ${error instanceof Error ? error.message : ''}`);
    return;
  }
  subscriber.next(response);
  subscriber.complete();
  onTrailers?.(trailers);
}
