import type { Metadata, StatusObject } from '@grpc/grpc-js';
import type { BelowCall, GrpcJsCall } from '@rollcall/grpc';
import type { ReplyEntry } from '../wire/frames.ts';

/** A call that came with others in a message of a stream, as ServerCall takes it. */
export class BatchedCall implements BelowCall {
  readonly id: number;
  readonly metadata: Metadata;
  /** In milliseconds since the epoch. */
  readonly deadline: number;
  /** What it holds of the stream's bound until it is over. */
  readonly bytes: number;
  readonly batch: GrpcJsCall;
  #headers: Metadata | undefined;
  #onCancelled: (() => void) | undefined;

  constructor(id: number, metadata: Metadata, deadline: number, bytes: number, batch: GrpcJsCall) {
    this.id = id;
    this.metadata = metadata;
    this.deadline = deadline;
    this.bytes = bytes;
    this.batch = batch;
  }

  cancel(): void {
    this.#onCancelled?.();
  }

  getDeadline(): number {
    return this.deadline;
  }

  getPeer(): string {
    return this.batch.getPeer();
  }

  /** They travel with the answer. */
  sendMetadata(headers: Metadata): void {
    this.#headers ??= headers;
  }

  on(_event: 'cancelled', listener: () => void): void {
    this.#onCancelled = listener;
  }

  /** The answer, as it is sent. @param status of a call that failed */
  reply(status: StatusObject | null, response: Buffer = noBytes, trailers?: Metadata): ReplyEntry {
    const { id } = this;
    const headers = this.#headers;
    return status === null
      ? { id, status: 0, message: '', headers, trailers, response }
      : { id, status: status.code, message: status.details, headers, trailers: status.metadata, response: noBytes };
  }
}

const noBytes = Buffer.alloc(0);
