import type { Metadata } from '@grpc/grpc-js';
import type { Observable, Subscriber } from 'rxjs';
import type { CallContext } from '../context/call-context.ts';

/** What one call may say beside its request. */
export interface CallOptions {
  readonly metadata?: Metadata;
  /** When the call ends at the latest, in milliseconds since the epoch. It never outlives the call that it is made for. */
  readonly deadline?: number;
  /** Takes the headers, which come before the first message. */
  readonly onHeaders?: (headers: Metadata) => void;
  /** Takes the trailers, which come with the status. */
  readonly onTrailers?: (trailers: Metadata) => void;
}

/** A method as a caller needs it: its path and kind, and how its messages are written and read. */
export interface CallableMethod<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  /** Whether it may be sent again when it is not known whether it took place; not by default. */
  readonly idempotent?: boolean;
  encode(request: Request): Buffer;
  /** @throws Error when the bytes are no response of this method */
  decode(bytes: Buffer): Response;
}

/** A call that somebody has subscribed to. */
export interface OutgoingCall<Request, Response> {
  readonly method: CallableMethod<Request, Response>;
  readonly input: Request | Observable<Request>;
  readonly options: CallOptions;
  readonly subscriber: Subscriber<Response>;
  /** The call that it is made for. */
  readonly parent: CallContext | undefined;
  /** In milliseconds since the epoch; Infinity without one. */
  readonly deadline: number;
  /** With what is inherited. */
  readonly metadata: Metadata;
}
