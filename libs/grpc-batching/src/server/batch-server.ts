import { constants } from 'node:http2';
import { Metadata, type ServerDuplexStream, status as Status, type StatusObject } from '@grpc/grpc-js';
import {
  admit,
  type IncomingCall,
  deadlineExceeded,
  metadataTooLarge,
  tooManyCalls,
  statusOf,
  http2Stream,
  metadataBytes,
  RpcError,
  type ServedMethod,
  ServerCall,
  type PluginHost,
} from '@rollcall/grpc';
import { BatchedCall } from './batched-call.ts';
import { BatchReplies } from './replies.ts';
import { type CallEntry, decodeBatchRequest, type EncodedCalls, type ReceivedBatchRequest } from '../wire/frames.ts';

/** What one stream may have under way. Calls beyond it are answered RESOURCE_EXHAUSTED. */
export interface BatchServerLimits {
  /** Calls; 4,000 by default. */
  readonly maxCalls: number;
  /** The requests of these calls with their metadata, in bytes; 16 MiB by default. */
  readonly maxBytes: number;
  /**
   * Calls one after the other of which none needed a right that its caller had: those that were refused, and those that
   * anybody may make; 1,000 by default. The stream then ends. At half of it its caller is asked to open another one.
   */
  readonly maxVainCalls: number;
}

/** What the streams that carry calls share. */
export interface BatchHost extends PluginHost {
  readonly batchLimits: BatchServerLimits;
}

/** What the streams of one connection have under way together. */
export interface ConnectionLoad {
  calls: number;
}

/** How many calls are started in one turn of the event loop: the caller is to have answers while others are made. */
const startsPerTurn = 16;
/** How many when none of the last ones needed a right that its caller had. */
const vainStartsPerTurn = 2;
const vainUnnoticed = 64;

/** How many calls may wait to be started before no more of them are read. */
const waitingUnread = 1000;

/** How many calls may have metadata that is none before the stream ends: what sends such is no caller that goes by the rules. */
const malformedCallsTaken = 8;

/** One stream that carries calls, on the side of the server. Each call runs as one with a stream of its own does. */
export class BatchServer {
  readonly stream: ServerDuplexStream<Buffer, Buffer>;
  readonly #host: BatchHost;
  readonly #connection: ConnectionLoad;
  readonly #peer: string;
  readonly #userAgent: string | Buffer | undefined;
  readonly #onClosed: () => void;
  readonly #replies: BatchReplies;
  readonly #calls = new Map<number, BatchedCall>();
  /** The calls that nobody has decided about yet. */
  readonly #asking = new Set<BatchedCall>();
  /** The messages with calls that were not started yet. */
  readonly #waiting: WaitingCalls[] = [];
  /** The ids of calls that were cancelled while they waited. */
  readonly #cancelledWaiting = new Set<number>();
  #lastId = 0;
  /** The calls since the last one that needed a right which its caller had. */
  #vain = 0;
  #malformed = 0;
  #bytes = 0;
  #idleSince = Date.now();
  /** Whether the peer has no more calls. */
  #halfClosed = false;
  #over = false;

  constructor(
    stream: ServerDuplexStream<Buffer, Buffer>,
    host: BatchHost,
    connection: ConnectionLoad,
    onClosed: () => void,
  ) {
    this.#connection = connection;
    this.stream = stream;
    this.#host = host;
    this.#peer = stream.getPeer();
    this.#userAgent = stream.metadata.get('user-agent')[0];
    this.#onClosed = onClosed;
    this.#replies = new BatchReplies(stream, () => this.#endWhenDone());
    stream.sendMetadata(new Metadata()); // tells that calls are taken here
    stream.on('data', (frame: Buffer) => this.#read(frame));
    stream.on('end', () => {
      this.#halfClosed = true;
      this.#replies.schedule();
    });
    stream.on('cancelled', () => this.#close());
    stream.on('close', () => this.#close());
  }

  /** For how long it has had no call, in milliseconds. */
  idleMs(now: number): number {
    return this.#calls.size > 0 || this.#waiting.length > 0 ? 0 : now - this.#idleSince;
  }

  /** Asks the caller to go elsewhere with new calls. */
  drain(): void {
    if (this.#replies.draining) return;
    this.#idleSince = Date.now();
    this.#replies.drain();
  }

  /** Ends the stream, and the calls that it has. */
  end(error: RpcError): void {
    if (this.#over) return;
    this.#replies.end(); // such as that their calls were ended
    this.#over = true;
    this.stream.emit('error', statusOf(error, this.#host.errorDomain));
    this.#resetLater();
    this.#cancelAll();
  }

  /**
   * Ends the calls that are still not decided about at their deadline, and the stream when its peer takes no answers for
   * longer than anybody waits for one, or was asked in vain to end it.
   */
  endWhatIsDue(now: number): void {
    for (const call of this.#asking)
      if (now >= call.deadline) this.#reply(call, statusOf(deadlineExceeded(), this.#host.errorDomain));
    const { resetGraceMs, defaultDeadlineMs } = this.#host.limits;
    const { fullSince } = this.#replies;
    if (fullSince !== undefined && now - fullSince >= defaultDeadlineMs) {
      this.#replies.drop();
      this.end(answersNotRead(defaultDeadlineMs));
    }
    if (this.#replies.draining && this.idleMs(now) >= resetGraceMs) this.#endWell();
  }

  #read(frame: Buffer): void {
    if (this.#over) return;
    let request: ReceivedBatchRequest;
    try {
      request = decodeBatchRequest(frame, 2 * this.#host.batchLimits.maxCalls);
    } catch (error) {
      this.#breakOff(error instanceof Error ? error.message : '');
      return;
    }
    const { calls, cancelledIds } = request;
    for (const id of cancelledIds) this.#cancel(id);
    if (calls.left === 0) return;
    this.#waiting.push({ calls, cameAt: Date.now() });
    if (this.#waiting.length === 1) this.#startSome();
    else this.#brake();
  }

  #breakOff(why: string): void {
    this.end(new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', `The message is no BatchRequest: ${why}.`));
  }

  /** Starts as many calls as one turn may, and the others in the turns to come. */
  #startSome(): void {
    if (this.#over) return;
    this.#replies.scheduleFirst();
    const max = this.#vain > vainUnnoticed ? vainStartsPerTurn : startsPerTurn;
    for (let started = 0; started < max && !this.#over; started++) {
      const [first] = this.#waiting;
      if (first === undefined) break;
      this.#take(first);
      if (first.calls.left === 0) this.#waiting.shift();
    }
    if (this.#waiting.length > 0) setImmediate(() => this.#startSome());
    else if (this.#cancelledWaiting.size > 0) this.#cancelledWaiting.clear();
    this.#brake();
  }

  /** Reads no more while many calls wait. */
  #brake(): void {
    let waiting = 0;
    for (const { calls } of this.#waiting) waiting += calls.left;
    this.#replies.brake(waiting >= waitingUnread);
  }

  /** Takes the next call of a message. */
  #take({ calls, cameAt }: WaitingCalls): void {
    let entry: CallEntry;
    try {
      entry = calls.read();
    } catch (error) {
      this.#breakOff(error instanceof Error ? error.message : '');
      return;
    }
    const { id, method, timeoutMs, metadata = malformedMetadata, request } = entry;
    if (id <= this.#lastId) {
      this.#breakOff(`call ${id} came after call ${this.#lastId}`);
      return;
    }
    this.#lastId = id;
    if (this.#cancelledWaiting.delete(id)) return;
    const { limits, batchLimits } = this.#host;
    const size = metadataBytes(metadata);
    const bytes = request.length + size;
    const call = new BatchedCall(id, metadata, cameAt + timeoutMs, bytes, this.stream);
    const full =
      this.#calls.size >= batchLimits.maxCalls ||
      this.#bytes + bytes > batchLimits.maxBytes ||
      this.#connection.calls >= limits.maxCallsPerConnection;
    this.#calls.set(id, call);
    this.#connection.calls += 1;
    this.#bytes += bytes;
    const served = this.#host.served(method);
    if (full) this.#refuse(call, tooManyCalls(Math.min(batchLimits.maxCalls, limits.maxCallsPerConnection)));
    else if (metadata === malformedMetadata) this.#refuseMalformed(call);
    else if (served === undefined) this.#refuse(call, unimplemented(method));
    else if (size > limits.maxMetadataBytes) this.#refuse(call, metadataTooLarge(size, limits.maxMetadataBytes));
    else if (timeoutMs === 0) this.#refuse(call, deadlineExceeded());
    else {
      if (this.#userAgent !== undefined && metadata.get('user-agent').length === 0)
        metadata.set('user-agent', this.#userAgent);
      this.#start(call, served, request);
    }
  }

  #refuseMalformed(call: BatchedCall): void {
    this.#malformed += 1;
    if (this.#malformed > malformedCallsTaken) this.#breakOff('the metadata of too many calls is none');
    else this.#refuse(call, notMetadata());
  }

  #refuse(call: BatchedCall, error: RpcError | StatusObject): void {
    this.#reply(call, error instanceof RpcError ? statusOf(error, this.#host.errorDomain) : error);
    this.#inVain();
  }

  /** Nobody who has a right to something makes so many calls in vain. */
  #inVain(): void {
    const { maxVainCalls } = this.#host.batchLimits;
    this.#vain += 1;
    if (this.#vain >= maxVainCalls) this.end(tooManyVainCalls(maxVainCalls));
    else if (this.#vain >= maxVainCalls / 2) this.drain();
  }

  #start(call: BatchedCall, served: ServedMethod, request: Buffer): void {
    const { authorize } = this.#host;
    if (authorize === undefined) {
      this.#serve(call, served, request);
      return;
    }
    this.#asking.add(call);
    const incoming: IncomingCall = { method: served.method, metadata: call.metadata, peer: this.#peer };
    admit(
      authorize,
      incoming,
      () => {
        if (this.#host.isOpenToAll(served.method)) this.#inVain();
        else this.#vain = 0;
        this.#serve(call, served, request);
      },
      (error) => this.#refuse(call, error instanceof RpcError ? error : this.#host.unauthorizable(error, incoming)),
    );
  }

  #serve(call: BatchedCall, served: ServedMethod, request: Buffer): void {
    this.#asking.delete(call);
    if (!this.#calls.has(call.id)) return; // it was cancelled, or its deadline has passed
    new ServerCall(served, this.#host, call).respondOnce(request, (error, response, trailers) =>
      this.#reply(call, error, response, trailers),
    );
  }

  #reply(call: BatchedCall, error: StatusObject | null, response?: Buffer, trailers?: Metadata): void {
    if (this.#forget(call)) this.#replies.add(call.reply(error, response, trailers));
  }

  #cancel(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) {
      // Its answer is on its way, if it does not wait to be started.
      if (
        id > this.#lastId &&
        this.#waiting.length > 0 &&
        this.#cancelledWaiting.size < this.#host.batchLimits.maxCalls
      )
        this.#cancelledWaiting.add(id);
      return;
    }
    this.#forget(call);
    call.cancel();
  }

  /** @returns false when it was forgotten already */
  #forget(call: BatchedCall): boolean {
    if (!this.#calls.delete(call.id)) return false;
    this.#asking.delete(call);
    this.#bytes -= call.bytes;
    this.#connection.calls -= 1;
    if (this.#calls.size === 0) {
      this.#idleSince = Date.now();
      if (this.#halfClosed) this.#replies.schedule();
    }
    return true;
  }

  #endWhenDone(): void {
    if (this.#halfClosed && this.#calls.size === 0 && this.#waiting.length === 0 && this.#replies.empty)
      this.#endWell();
  }

  #endWell(): void {
    if (this.#over) return;
    this.#over = true;
    this.#replies.drop();
    this.stream.end();
    this.#resetLater();
  }

  /** A peer that takes nothing more would hold for ever what it was sent. */
  #resetLater(): void {
    const { resetGrace, limits } = this.#host;
    resetGrace.allow(http2Stream(this.stream), Date.now() + limits.resetGraceMs, constants.NGHTTP2_CANCEL);
  }

  #close(): void {
    this.#over = true;
    this.#replies.drop();
    this.#cancelAll();
    this.#onClosed();
  }

  #cancelAll(): void {
    this.#waiting.length = 0;
    for (const id of this.#calls.keys()) this.#cancel(id);
  }
}

/** The calls of a message, and when it came, in milliseconds since the epoch. */
interface WaitingCalls {
  readonly calls: EncodedCalls;
  readonly cameAt: number;
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

/** For a stream of batched calls whose caller has a right to none of them. */
function tooManyVainCalls(max: number): RpcError {
  const message = `The last ${max} calls were refused, or were such as need no right. Open another stream.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', message, { retryDelayMs: 1000 });
}
