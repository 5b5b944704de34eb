/**
 * A status comes after the messages that were received before it, whatever ended the call, and a stream whose last message
 * is cut has no good end. grpc-js hands over a status other than OK at once, past messages that its reader has not asked
 * for yet; it has no public way to change that. This file replaces what it reads responses with, and nothing else does.
 */
import { type ClientHttp2Stream, constants, type Http2Session, type IncomingHttpHeaders } from 'node:http2';
import { Metadata, status as Status, type StatusObject } from '@grpc/grpc-js';
import resolvingCalls from '@grpc/grpc-js/build/src/resolving-call.js';
import subchannelCalls from '@grpc/grpc-js/build/src/subchannel-call.js';

/** What this file uses of grpc-js' call on a connection. */
interface SubchannelCall {
  readonly http2Stream: ClientHttp2Stream;
  decoder: Decoder;
  readonly isPushPending: boolean;
  readonly statusOutput: boolean;
  readonly unpushedReadMessages: Buffer[];
  readsClosed: boolean;
  finalStatus: StatusObject | null;
  cancelWithStatus(status: Status, details: string): void;
  endCall(status: StatusObject): void;
  handleTrailers(headers: IncomingHttpHeaders): void;
  maybeOutputStatus(): void;
  onDisconnect(): void;
  outputStatus(): void;
  push(message: Buffer): void;
  tryPush(message: Buffer): void;
  startRead(): void;
}

interface Decoder {
  /** 0 between two messages, 1 in the five bytes before one, 2 in it. */
  readonly readState: number;
  write(chunk: Buffer): Buffer[];
}

interface DecoderBelow extends Decoder {
  /** What is missing of the five bytes' last four. */
  readonly readSizeRemaining: number;
  readonly readMessageRemaining: number;
  /** The first of the five bytes, a part of the chunk that it came in. */
  readCompressFlag: Buffer;
  /** What has come of the message, parts of the chunks that it came in. */
  readonly readPartialMessage: Buffer[];
}

type SubchannelCallClass = new (http2Stream: ClientHttp2Stream, ...more: unknown[]) => SubchannelCall;

/** What it uses of the call above, which has the deadline. */
interface ResolvingCall {
  readonly child: {
    readonly committedCallIndex: number | null;
    readonly underlyingCalls: readonly { readonly call: { readonly child: SubchannelCall | null } }[];
  } | null;
  cancelWithStatus: (this: ResolvingCall, status: Status, details: string) => void;
}

const replaceable = subchannelCalls as unknown as { Http2SubchannelCall: SubchannelCallClass };
const resolving = resolvingCalls.ResolvingCall.prototype as unknown as ResolvingCall;

/** What grpc-js itself makes of calls, for the test that tells when this file need not be any more. */
export const unordered = {
  subchannelCall: replaceable.Http2SubchannelCall,
  cancelWithStatus: resolving.cancelWithStatus,
};

const sentStatuses = new WeakSet<Metadata>();

/** Whether the server itself sent a status, rather than grpc-js having made it of what became of the connection. */
export function sentByServer({ metadata }: Pick<StatusObject, 'metadata'>): boolean {
  return sentStatuses.has(metadata);
}

class OrderedCall extends unordered.subchannelCall {
  readonly #session: Http2Session | undefined;
  #abandoned = false;

  constructor(http2Stream: ClientHttp2Stream, ...more: unknown[]) {
    super(http2Stream, ...more);
    this.#session = http2Stream.session;
    keepOwnBytes(http2Stream);
    this.decoder = new MessageDecoder(this.decoder as DecoderBelow, (error) => {
      this.cancelWithStatus(Status.RESOURCE_EXHAUSTED, error.message);
    });
    http2Stream.on('close', () => {
      this.#takeRest();
      if (this.finalStatus?.code !== Status.OK) return; // what follows tells why
      this.readsClosed = true;
      this.maybeOutputStatus();
    });
  }

  override cancelWithStatus(status: Status, details: string): void {
    if (status === Status.CANCELLED) this.#abandon();
    super.cancelWithStatus(status, details);
  }

  /** A status that was received stands, whatever becomes of the connection while what came before it is read. */
  override onDisconnect(): void {
    if (this.finalStatus === null) super.onDisconnect();
  }

  override endCall(status: StatusObject & { readonly rstCode?: number }): void {
    if (status.code !== Status.OK) this.#takeRest();
    // A connection that the other side closes in order, under a call, resets that with no error.
    const lost = status.rstCode === constants.NGHTTP2_NO_ERROR && this.#session?.destroyed === true;
    super.endCall(lost ? connectionLost() : status);
  }

  override maybeOutputStatus(): void {
    if (this.finalStatus === null || this.isPushPending || this.unpushedReadMessages.length > 0) return;
    if (this.finalStatus.code === Status.OK) {
      if (!this.readsClosed) return;
      if (this.decoder.readState !== 0) this.finalStatus = cutMessage();
    }
    this.outputStatus();
  }

  override startRead(): void {
    if (this.finalStatus === null || this.finalStatus.code === Status.OK) {
      super.startRead();
      return;
    }
    const next = this.unpushedReadMessages.shift();
    if (next === undefined) this.maybeOutputStatus();
    else this.push(next);
  }

  override handleTrailers(headers: IncomingHttpHeaders): void {
    super.handleTrailers(headers);
    if (headers['grpc-status'] !== undefined && this.finalStatus !== null) sentStatuses.add(this.finalStatus.metadata);
  }

  /** Nobody reads any more: a status that waits for what was received would wait, and hold all of it, for ever. */
  #abandon(): void {
    this.#abandoned = true;
    this.http2Stream.removeAllListeners('data').resume();
    this.unpushedReadMessages.length = 0;
    this.maybeOutputStatus();
  }

  /** What Node has received and not handed on would be gone with the stream. It is no more than a window of HTTP/2. */
  #takeRest(): void {
    if (this.statusOutput || this.#abandoned || this.http2Stream.readableLength === 0) return;
    this.http2Stream.removeAllListeners('data'); // reading emits it once more
    for (let chunk = this.http2Stream.read(); chunk !== null; chunk = this.http2Stream.read()) {
      for (const message of this.decoder.write(chunk as Buffer)) this.tryPush(message);
    }
  }
}

/**
 * What waits to be read is kept in memory of its own. Node hands on parts of the 64 KiB that it reads from the connection at
 * once, with frames of many streams in them, of which each part that is kept would keep all.
 */
function keepOwnBytes(stream: ClientHttp2Stream): void {
  const push = stream.push.bind(stream);
  stream.push = (chunk: Buffer | null, ...more) => {
    const waits = chunk !== null && (stream.readableFlowing !== true || stream.readableLength > 0);
    return push(waits ? ownBytes(chunk) : chunk, ...more);
  };
}

function connectionLost(): StatusObject {
  return { code: Status.UNAVAILABLE, details: 'Connection dropped', metadata: new Metadata() };
}

/** Gives the messages before one that is too large, for which grpc-js' own decoder throws them away. */
class MessageDecoder {
  readonly #below: DecoderBelow;
  readonly #onError: (error: Error) => void;
  #failed = false;

  constructor(below: DecoderBelow, onError: (error: Error) => void) {
    this.#below = below;
    this.#onError = onError;
  }

  get readState(): number {
    return this.#below.readState;
  }

  write(chunk: Buffer): Buffer[] {
    const whole: Buffer[] = [];
    for (let at = 0; at < chunk.length && !this.#failed;) {
      const { readState, readSizeRemaining, readMessageRemaining } = this.#below;
      const end = at + (readState === 2 ? readMessageRemaining : readState === 1 ? readSizeRemaining : 5);
      try {
        whole.push(...this.#below.write(chunk.subarray(at, end)));
      } catch (error) {
        this.#failed = true;
        if (whole.length === 0) throw error;
        process.nextTick(this.#onError, error);
      }
      at = end;
    }
    this.#keepOwnBytes();
    return whole;
  }

  /** Keeps no chunk for a part of it: see `keepOwnBytes`. */
  #keepOwnBytes(): void {
    const { readCompressFlag, readPartialMessage } = this.#below;
    if (keepsMore(readCompressFlag)) this.#below.readCompressFlag = ownBytes(readCompressFlag);
    const last = readPartialMessage.at(-1);
    if (last !== undefined && keepsMore(last)) readPartialMessage[readPartialMessage.length - 1] = ownBytes(last);
  }
}

/** The same bytes, in memory that they share with nothing: not even that of small buffers. */
function ownBytes(part: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(part.length);
  part.copy(own);
  return own;
}

/** Whether a part keeps far more memory than it has bytes. */
function keepsMore({ length, buffer }: Buffer): boolean {
  return buffer.byteLength > Math.max(2 * length, 1024);
}

function cutMessage(): StatusObject {
  return { code: Status.INTERNAL, details: 'The last message of the answer was cut.', metadata: new Metadata() };
}

/** A deadline that passes while messages wait ends the call from below, so that they come before it. */
function cancelInOrder(this: ResolvingCall, status: Status, details: string): void {
  const { committedCallIndex, underlyingCalls } = this.child ?? { committedCallIndex: null, underlyingCalls: [] };
  const attempt = committedCallIndex === null ? undefined : underlyingCalls[committedCallIndex]?.call.child;
  if (status === Status.DEADLINE_EXCEEDED && attempt instanceof OrderedCall) attempt.cancelWithStatus(status, details);
  else unordered.cancelWithStatus.call(this, status, details);
}

const used = [
  'endCall',
  'handleTrailers',
  'maybeOutputStatus',
  'onDisconnect',
  'outputStatus',
  'push',
  'startRead',
  'tryPush',
] as const;
for (const method of used) {
  if (typeof unordered.subchannelCall.prototype[method] !== 'function')
    throw new Error(`this grpc-js reads responses in another way: it has no ${method}`);
}
if (typeof unordered.cancelWithStatus !== 'function') throw new Error('this grpc-js cancels calls in another way');
replaceable.Http2SubchannelCall = OrderedCall;
resolving.cancelWithStatus = cancelInOrder;
