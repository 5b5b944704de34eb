import { constants } from 'node:http2';
import { Metadata, type ServerDuplexStream, status as Status, type StatusObject } from '@grpc/grpc-js';
import { admit, type IncomingCall } from './authorization.ts';
import { deadlineExceeded, metadataTooLarge, tooManyCalls } from './call-ends.ts';
import { CarriedCall } from './carried-call.ts';
import { emit } from './demand.ts';
import { statusOf } from './error-status.ts';
import { http2Stream } from './http2-below.ts';
import { metadataBytes } from './metadata-size.ts';
import { Outbox, OutboxBudget } from './outbox.ts';
import type { CarrierHost, ConnectionLoad } from './packed-calls.ts';
import {
  type CallEntry,
  type CarryRequest,
  decodeCarryRequest,
  encodeCarryResponse,
  fullFrameBytes,
  type ReplyEntry,
  replySize,
} from './packed-frames.ts';
import { RpcError } from './rpc-error.ts';
import { ServerCall } from './server-call.ts';

/**
 * One stream that carries calls, on the side of the server. Each call runs as one with a stream of its own does. Answers
 * leave in the turn of the event loop in which they are there; while the peer does not take them, nothing more is read.
 */
export class Carrier {
  readonly stream: ServerDuplexStream<Buffer, Buffer>;
  readonly #host: CarrierHost;
  readonly #connection: ConnectionLoad;
  readonly #peer: string;
  readonly #userAgent: string | Buffer | undefined;
  readonly #onClosed: () => void;
  readonly #outbox: Outbox;
  readonly #calls = new Map<number, CarriedCall>();
  /** The calls that nobody has decided about yet. */
  readonly #asking = new Set<CarriedCall>();
  #replies: ReplyEntry[] = [];
  #lastId = 0;
  #bytes = 0;
  #idleSince = Date.now();
  #draining = false;
  #drainTold = false;
  #scheduled = false;
  /** Since when the peer does not take what is sent, in milliseconds since the epoch. */
  #fullSince: number | undefined;
  /** Whether the peer has no more calls. */
  #halfClosed = false;
  #over = false;

  constructor(
    stream: ServerDuplexStream<Buffer, Buffer>,
    host: CarrierHost,
    connection: ConnectionLoad,
    onClosed: () => void,
  ) {
    this.#connection = connection;
    this.stream = stream;
    this.#host = host;
    this.#peer = stream.getPeer();
    this.#userAgent = stream.metadata.get('user-agent')[0];
    this.#onClosed = onClosed;
    this.#outbox = new Outbox(stream, Infinity, new OutboxBudget());
    stream.sendMetadata(new Metadata()); // tells that calls are taken here
    stream.on('data', (frame: Buffer) => this.#read(frame));
    stream.on('end', () => {
      this.#halfClosed = true;
      this.#schedule();
    });
    stream.on('cancelled', () => this.#close());
    stream.on('close', () => this.#close());
  }

  /** For how long it has had no call, in milliseconds. */
  idleMs(now: number): number {
    return this.#calls.size > 0 ? 0 : now - this.#idleSince;
  }

  /** Asks the caller to go elsewhere with new calls. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#idleSince = Date.now();
    this.#schedule();
  }

  /** Ends the stream, and the calls that it has. */
  end(error: RpcError): void {
    if (this.#over) return;
    while (this.#replies.length > 0) this.#write(this.#nextReplies()); // such as that their calls were ended
    this.#over = true;
    this.stream.emit('error', statusOf(error));
    this.#letGo();
    this.#cancelAll();
  }

  /**
   * Ends the calls that are still not decided about at their deadline, and the stream when its peer takes no answers for
   * longer than anybody waits for one, or was asked in vain to end it.
   */
  endWhatIsDue(now: number): void {
    for (const call of this.#asking) if (now >= call.deadline) this.#reply(call, statusOf(deadlineExceeded()));
    const { lastWordMs, defaultDeadlineMs } = this.#host.limits;
    if (this.#fullSince !== undefined && now - this.#fullSince >= defaultDeadlineMs) {
      this.#replies = [];
      this.end(answersNotRead(defaultDeadlineMs));
    }
    if (this.#draining && this.idleMs(now) >= lastWordMs) this.#endWell();
  }

  #read(frame: Buffer): void {
    if (this.#over) return;
    let request: CarryRequest;
    try {
      request = decodeCarryRequest(frame);
    } catch (error) {
      this.#breakOff(error instanceof Error ? error.message : '');
      return;
    }
    for (const id of request.cancelledIds) this.#cancel(id);
    for (const call of request.calls) {
      if (call.id <= this.#lastId) {
        this.#breakOff(`call ${call.id} came after call ${this.#lastId}`);
        return;
      }
      this.#lastId = call.id;
      this.#take(call);
    }
  }

  #breakOff(why: string): void {
    this.end(new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', `The message is no CarryRequest: ${why}.`));
  }

  #take({ id, method, timeoutMs, metadata = malformedMetadata, request }: CallEntry): void {
    const { limits, packedCallLimits, authorize } = this.#host;
    const bytes = request.length;
    const call = new CarriedCall(id, metadata, Date.now() + timeoutMs, bytes, this.stream);
    const full =
      this.#calls.size >= packedCallLimits.maxCalls ||
      this.#bytes + bytes > packedCallLimits.maxBytes ||
      this.#connection.calls >= limits.maxCallsPerConnection;
    this.#calls.set(id, call);
    this.#connection.calls += 1;
    this.#bytes += bytes;
    const served = this.#host.served(method);
    if (full) this.#fail(call, tooManyCalls(Math.min(packedCallLimits.maxCalls, limits.maxCallsPerConnection)));
    else if (metadata === malformedMetadata) this.#fail(call, notMetadata());
    else if (served === undefined) this.#reply(call, unimplemented(method));
    else {
      const size = metadataBytes(metadata);
      if (this.#userAgent !== undefined && metadata.get('user-agent').length === 0)
        metadata.set('user-agent', this.#userAgent);
      const start = (): void => {
        this.#asking.delete(call);
        if (call.cancelled || !this.#calls.has(id)) return;
        new ServerCall(served, this.#host, call).respondOnce(request, (error, response, trailers) =>
          this.#reply(call, error, response, trailers),
        );
      };
      if (size > limits.maxMetadataBytes) this.#fail(call, metadataTooLarge(size, limits.maxMetadataBytes));
      else if (timeoutMs === 0) this.#fail(call, deadlineExceeded());
      else if (authorize === undefined) start();
      else {
        const incoming: IncomingCall = { method: served.method, metadata, peer: this.#peer };
        this.#asking.add(call);
        admit(authorize, incoming, start, (error) => {
          this.#fail(call, error instanceof RpcError ? error : this.#host.unauthorizable(error, incoming));
        });
      }
    }
  }

  #fail(call: CarriedCall, error: RpcError): void {
    this.#reply(call, statusOf(error));
  }

  #reply(call: CarriedCall, error: StatusObject | null, response?: Buffer, trailers?: Metadata): void {
    if (!this.#forget(call) || this.#over) return;
    this.#replies.push(call.reply(error, response, trailers));
    this.#schedule();
  }

  #cancel(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return; // its answer is on its way
    this.#forget(call);
    call.cancel();
  }

  /** @returns false when it was forgotten already */
  #forget(call: CarriedCall): boolean {
    if (!this.#calls.delete(call.id)) return false;
    this.#asking.delete(call);
    this.#bytes -= call.bytes;
    this.#connection.calls -= 1;
    if (this.#calls.size === 0) {
      this.#idleSince = Date.now();
      if (this.#halfClosed) this.#schedule();
    }
    return true;
  }

  #schedule(): void {
    if (this.#scheduled || this.#fullSince !== undefined || this.#over) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Sends what is there, as far as the peer takes it. */
  #flush(): void {
    if (this.#draining && !this.#drainTold && this.#replies.length === 0 && !this.#over) this.#write([]);
    while (this.#replies.length > 0 && this.#fullSince === undefined && !this.#over) this.#write(this.#nextReplies());
    if (this.#halfClosed && this.#calls.size === 0 && this.#replies.length === 0) this.#endWell();
  }

  #endWell(): void {
    if (this.#over) return;
    this.#over = true;
    this.stream.end();
    this.#letGo();
  }

  /** A peer that takes nothing more would hold for ever what it was sent. */
  #letGo(): void {
    const { lastWords, limits } = this.#host;
    lastWords.allow(http2Stream(this.stream), Date.now() + limits.lastWordMs, constants.NGHTTP2_CANCEL);
  }

  /** Takes the replies that go into one message. */
  #nextReplies(): readonly ReplyEntry[] {
    let bytes = 0;
    let count = 0;
    for (const reply of this.#replies) {
      bytes += replySize(reply);
      if (count > 0 && bytes > fullFrameBytes) break;
      count += 1;
    }
    const next = this.#replies;
    this.#replies = next.splice(count);
    return next;
  }

  #write(replies: readonly ReplyEntry[]): void {
    this.#drainTold = this.#draining;
    const frame = encodeCarryResponse({ replies, draining: this.#draining });
    const taken = emit({ next: (message: Buffer) => this.#outbox.send(message) }, frame);
    if (taken === undefined) return;
    this.#fullSince ??= Date.now();
    this.stream.pause();
    void taken.then(() => {
      this.#fullSince = undefined;
      if (this.#over) return;
      this.stream.resume();
      this.#flush();
    });
  }

  #close(): void {
    this.#over = true;
    this.#replies = [];
    this.#cancelAll();
    this.#onClosed();
  }

  #cancelAll(): void {
    for (const id of this.#calls.keys()) this.#cancel(id);
  }
}

/** Stands for the metadata of a call that sent none that could be read. */
const malformedMetadata = new Metadata();

function notMetadata(): RpcError {
  return new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', 'A key or value of the metadata is not allowed.');
}

function answersNotRead(forMs: number): RpcError {
  const message = `No answer was read for ${forMs} ms. Read faster, or have fewer calls under way.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'READER_TOO_SLOW', message);
}

/** What grpc-js says of such a call. */
function unimplemented(path: string): StatusObject {
  const details = `The server does not implement the method ${path}`;
  return { code: Status.UNIMPLEMENTED, details, metadata: new Metadata() };
}
