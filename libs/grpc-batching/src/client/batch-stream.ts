import { type ClientDuplexStream, status as Status, type StatusObject } from '@grpc/grpc-js';
import { emit, errorFromStatus, WriteBuffer, WriteBufferBudget, RpcError, sentByServer } from '@rollcall/grpc';
import type { WaitingCall } from './waiting-call.ts';
import {
  type CallEntry,
  type BatchResponse,
  decodeBatchResponse,
  encodeBatchRequest,
  fullFrameBytes,
} from '../wire/frames.ts';

/** What a caller may have under way on one stream. */
export interface StreamBounds {
  readonly maxCalls: number;
  readonly maxBytes: number;
}

export interface BatchStreamEvents {
  /** A call is over, or is of no more use. */
  readonly onDone: (call: WaitingCall) => void;
  /** There may be room for further calls. */
  readonly onRoom: () => void;
  /** There is something to be sent. */
  readonly onUnsent: () => void;
  /** The server wants new calls to go elsewhere. */
  readonly onDraining: () => void;
  /** It is over. @param restMs for how long the server is not to be asked, because it takes no such streams */
  readonly onOver: (restMs: number) => void;
}

/** One stream that carries calls, on the side of the caller. */
export class BatchStream {
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #bounds: StreamBounds;
  readonly #events: BatchStreamEvents;
  readonly #writeBuffer: WriteBuffer;
  readonly #calls = new Map<number, WaitingCall>();
  readonly #ids = new Map<WaitingCall, number>();
  #cancelledIds: number[] = [];
  #lastId = 0;
  #bytes = 0;
  #full = false;
  /** Whether the server has said that it takes calls: whatever it then ends with, some may have taken place. */
  #accepted = false;
  #retired = false;
  #halfClosed = false;
  #over = false;

  constructor(stream: ClientDuplexStream<Buffer, Buffer>, bounds: StreamBounds, events: BatchStreamEvents) {
    this.#stream = stream;
    this.#bounds = bounds;
    this.#events = events;
    this.#writeBuffer = new WriteBuffer(stream, Infinity, new WriteBufferBudget());
    stream.on('metadata', () => (this.#accepted = true));
    stream.on('data', (frame: Buffer) => this.#read(frame));
    stream.on('error', () => undefined); // it is the status that tells of it
    stream.on('status', (status: StatusObject) => this.#end(status));
  }

  /** Whether the server has said that it takes calls here. */
  get accepted(): boolean {
    return this.#accepted;
  }

  /** Whether new calls may go here. */
  get takesCalls(): boolean {
    return !this.#retired && !this.#over;
  }

  /** How many calls are under way. */
  get load(): number {
    return this.#calls.size;
  }

  /**
   * Sends calls that there is room for, in one message, and takes them out.
   *
   * @param max how many
   * @returns whether there was room for one
   */
  send(waiting: Set<WaitingCall>, max: number): boolean {
    if (this.#full || this.#over) return false;
    const calls = this.#nextCalls(waiting, max);
    if (calls.length === 0) return false;
    this.#write(calls);
    return true;
  }

  /** Tells which calls are of no more use, when that has not gone along with others. */
  sendCancellations(): void {
    if (this.#cancelledIds.length > 0 && !this.#full && !this.#over) this.#write([]);
    this.#endWhenDone();
  }

  /** @returns whether the call was under way here */
  cancel(call: WaitingCall): boolean {
    const id = this.#ids.get(call);
    if (id === undefined) return false;
    this.#forget(id, call);
    this.#cancelledIds.push(id);
    this.#events.onUnsent();
    return true;
  }

  /** Takes no more calls, and ends when those under way have. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#endWhenDone();
    this.#events.onRoom(); // elsewhere
  }

  /** Takes the calls that go into one message. */
  #nextCalls(waiting: Set<WaitingCall>, max: number): CallEntry[] {
    const { maxCalls, maxBytes } = this.#bounds;
    const now = Date.now();
    const entries: CallEntry[] = [];
    let frameBytes = 0;
    for (const call of waiting) {
      if (this.#retired || this.#calls.size >= maxCalls || entries.length >= max) break;
      if (this.#calls.size > 0 && this.#bytes + call.bytes > maxBytes) break;
      if (frameBytes > 0 && frameBytes + call.bytes > fullFrameBytes) break;
      waiting.delete(call);
      const id = ++this.#lastId;
      this.#calls.set(id, call);
      this.#ids.set(call, id);
      this.#bytes += call.bytes;
      frameBytes += call.bytes + overheadBytes;
      const { method, metadata, request, deadline } = call;
      const timeoutMs = Math.min(Math.max(Math.ceil(deadline - now), 1), lastPossibleId);
      entries.push({ id, method, timeoutMs, metadata, request });
      if (id === lastPossibleId) this.retire();
    }
    return entries;
  }

  #write(calls: readonly CallEntry[]): void {
    const frame = encodeBatchRequest({ calls, cancelledIds: this.#cancelledIds });
    this.#cancelledIds = [];
    const taken = emit({ next: (message: Buffer) => this.#writeBuffer.send(message) }, frame);
    if (taken === undefined) return;
    this.#full = true;
    void taken.then(() => {
      this.#full = false;
      if (!this.#over) this.#events.onUnsent();
    });
  }

  #read(frame: Buffer): void {
    if (this.#over) return;
    let response: BatchResponse | undefined;
    try {
      response = decodeBatchResponse(frame);
    } catch {
      // what the server meant is not known; below it is taken for one that cannot do this
    }
    if (response === undefined || response.replies.some(({ id }) => id > this.#lastId)) {
      this.#stream.cancel();
      this.#break(unreadable(), notTakenMs);
      return;
    }
    this.#accepted = true;
    for (const reply of response.replies) {
      const call = this.#calls.get(reply.id);
      if (call === undefined) continue; // it was cancelled, and the answer has crossed that
      this.#forget(reply.id, call);
      guarded(() => call.reply(reply));
    }
    if (response.draining) {
      this.#events.onDraining();
      this.retire();
    }
    this.#endWhenDone();
    this.#events.onRoom();
  }

  #forget(id: number, call: WaitingCall): void {
    this.#calls.delete(id);
    this.#ids.delete(call);
    this.#bytes -= call.bytes;
    this.#events.onDone(call);
  }

  #endWhenDone(): void {
    if (!this.#retired || this.#halfClosed || this.#over) return;
    if (this.#calls.size > 0 || this.#cancelledIds.length > 0) return;
    this.#halfClosed = true;
    this.#stream.end();
  }

  #end(status: StatusObject): void {
    if (this.#over) return;
    if (!this.#accepted && tellsOfRefusal(status)) {
      this.#over = true;
      this.#events.onOver(status.code === Status.UNIMPLEMENTED ? notTakenMs : notTakenNowMs);
      for (const call of this.#takeAll()) guarded(() => call.sendPlainly());
    } else
      this.#break(
        status.code === Status.UNAVAILABLE ? errorFromStatus(status) : broken(),
        this.#accepted ? 0 : notTakenNowMs,
      );
  }

  #break(error: RpcError, restMs: number): void {
    this.#over = true;
    this.#events.onOver(restMs);
    for (const call of this.#takeAll()) guarded(() => (call.idempotent ? call.sendPlainly() : call.fail(error)));
  }

  #takeAll(): WaitingCall[] {
    const all = [...this.#calls];
    return all.map(([id, call]) => {
      this.#forget(id, call);
      return call;
    });
  }
}

/** How long a server that takes no such streams, or none just now, is not asked again on one connection, in milliseconds. */
const notTakenMs = 60_000;
const notTakenNowMs = 1000;

/** Whether a status that came before the server took calls is the server's own, and not of a connection that broke. */
function tellsOfRefusal(status: StatusObject): boolean {
  const { code, metadata } = status;
  if (metadata.get('grpc-status-details-bin').length > 0 || refusals.has(code)) return true;
  return sentByServer(status) && !ofConnections.has(code);
}

/** The codes by which servers say that they take no such stream. */
const refusals: ReadonlySet<Status> = new Set([
  Status.UNIMPLEMENTED,
  Status.UNAUTHENTICATED,
  Status.PERMISSION_DENIED,
  Status.RESOURCE_EXHAUSTED,
]);

/** The codes by which a proxy tells that it has lost a server, which may have taken calls. */
const ofConnections: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.CANCELLED, Status.DEADLINE_EXCEEDED]);

/** What a call takes of a message beside its request and metadata, at most, but for tags and lengths of the latter. */
const overheadBytes = 256;

const lastPossibleId = 0xffff_ffff;

/** What takes one answer must not keep others from theirs. */
function guarded(take: () => void): void {
  try {
    take();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function broken(): RpcError {
  const message = 'The connection broke before the answer was there. Whether the call took place is not known.';
  return new RpcError(Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE', message);
}

function unreadable(): RpcError {
  const message = 'The answer of the server could not be read. Whether the call took place is not known.';
  return new RpcError(Status.UNAVAILABLE, 'UPSTREAM_UNAVAILABLE', message);
}
