import {
  type ClientReadableStream,
  type ClientWritableStream,
  type ServiceError,
  status as Status,
} from '@grpc/grpc-js';
import { isObservable, type Observable, Subscription } from 'rxjs';
import { emit } from '../backpressure/backpressure.ts';
import { holdLittle } from '../internals/http2-streams.ts';
import { WriteBuffer, WriteBufferBudget } from '../backpressure/write-buffer.ts';
import { RpcError } from '../status/rpc-error.ts';

/** Requests of streams are encoded before they are sent, so that it is known how much waits. */
export const identity = (bytes: Buffer): Buffer => bytes;

/**
 * Emits the responses of a stream, reads no further while a sink is full, and ends once all were emitted. What waits to be
 * emitted waits as it came: a message that was read takes many times as much.
 */
export function receive<Response>(
  call: ClientReadableStream<Buffer>,
  decode: (bytes: Buffer) => Response,
  subscriber: { next(value: Response): void; readonly closed: boolean },
  fail: (error: ServiceError | RpcError) => void,
  complete: () => void,
): void {
  let failure: ServiceError | undefined;
  holdLittle(call);
  call.on('data', (bytes: Buffer) => {
    let message: Response;
    try {
      message = decode(bytes);
    } catch (cause) {
      call.cancel();
      fail(new RpcError(Status.INTERNAL, '', `Response message parsing error: ${messageOf(cause)}`, { cause }));
      return;
    }
    const full = emit(subscriber, message);
    if (full === undefined) return;
    call.pause();
    void full.then(() => {
      if (!subscriber.closed) call.resume();
    });
  });
  // It comes at once, past what the stream still holds (see status-order.ts for what is below it).
  call.on('error', (error: ServiceError) => (failure ??= error));
  call.on('end', () => (failure === undefined ? complete() : fail(failure)));
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : '';
}

/**
 * Sends the requests of a stream, and brakes their source while the server does not read.
 *
 * @param failAtEnd takes the error of a source that cannot go on, where the server still answers what it was sent: the
 *   requests end there, and the error comes behind the answers. A source that was cut cancels the call: it must not look whole.
 */
export function send<Request>(
  call: ClientWritableStream<Buffer>,
  requests: Observable<Request>,
  encode: (request: Request) => Buffer,
  maxUnsentBytes: number,
  fail: (error: RpcError) => void,
  failAtEnd?: (error: RpcError) => void,
) {
  if (!isObservable(requests)) throw new TypeError('this method takes an Observable of requests');
  const writeBuffer = new WriteBuffer(call, maxUnsentBytes, new WriteBufferBudget());
  // Without a listener an error of the stream would end the process. It is the status that tells of it.
  if (!('read' in call)) call.on('error', () => undefined);
  const breakOff = (error: RpcError): void => {
    subscription.unsubscribe();
    call.cancel();
    fail(error);
  };
  const subscription = new Subscription();
  subscription.add(
    requests.subscribe({
      next: (request) => {
        let encoded: Buffer;
        try {
          encoded = encode(request);
        } catch (cause) {
          breakOff(new RpcError(Status.INTERNAL, 'INTERNAL', 'A request cannot be encoded.', { cause }));
          return;
        }
        if (writeBuffer.send(encoded)) return;
        const message = `More than ${maxUnsentBytes} bytes of requests were waiting for the server.`;
        breakOff(new RpcError(Status.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE', message));
      },
      error: (cause: unknown) => {
        const known = cause instanceof RpcError;
        if (known && failAtEnd !== undefined && cause.code !== Status.CANCELLED) {
          failAtEnd(cause);
          call.end();
          return;
        }
        breakOff(known ? cause : new RpcError(Status.CANCELLED, 'CANCELLED', 'The requests broke off.', { cause }));
      },
      complete: () => call.end(),
    }),
  );
  return subscription;
}
