import type { Metadata } from '@grpc/grpc-js';
import type { ReplyEntry } from './packed-frames.ts';
import type { RpcError } from './rpc-error.ts';

/** What becomes of a call that was to be carried; one of these, once, unless it is cancelled. */
export interface PackedCallEnds {
  /** It was answered. */
  readonly reply: (reply: ReplyEntry) => void;
  readonly fail: (error: RpcError) => void;
  /** It has to be made, or made again, with a stream of its own. */
  readonly sendPlainly: () => void;
}

/** A unary call that a stream is to carry, on the side of the caller. */
export interface PackedCall {
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
  readonly ends: PackedCallEnds;
}
