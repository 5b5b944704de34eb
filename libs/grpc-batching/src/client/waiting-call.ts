import type { Metadata } from '@grpc/grpc-js';
import type { ReplyEntry } from '../wire/frames.ts';
import type { RpcError } from '@rollcall/grpc';

/** A unary call that a stream is to carry, on the side of the caller. Unless it is cancelled, one of its methods is called, once. */
export interface WaitingCall {
  /** The path of its method. */
  readonly method: string;
  readonly metadata: Metadata;
  /** In milliseconds since the epoch. */
  readonly deadline: number;
  readonly request: Buffer;
  /** The request and the metadata. */
  readonly bytes: number;
  /** Whether it may be made again when it is not known whether it took place. */
  readonly idempotent: boolean;
  /** It was answered. */
  reply(reply: ReplyEntry): void;
  fail(error: RpcError): void;
  /** It has to be made, or made again, with a stream of its own. */
  sendPlainly(): void;
}
