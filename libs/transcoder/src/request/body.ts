import type { IncomingMessage } from 'node:http';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { bodyShareOf, type BodyShare } from '../http/body-budget.ts';
import { brokeOff } from '../http/http2.ts';
import { askForBody } from './body-continue.ts';
import { type ContentCoding, contentCoding, decoded } from './content-encoding.ts';
import type { HttpLimits } from '../http/limits.ts';

/** How a body may hold several messages; `unsaid` is found out from its first character. */
export type BodyForm = 'lines' | 'array' | 'unsaid';

/** What is too much of a body. */
export type BodyLimits = Pick<HttpLimits, 'maxBodyBytes' | 'bodyTimeoutMs'>;

/** One message of a body, and what it is called in errors. */
export interface Document {
  readonly bytes: Uint8Array;
  readonly what: string;
}

const jsonTypes = new Set(['application/json', 'application/merge-patch+json']);
const lineTypes = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/json-lines',
]);

/**
 * The form that the Content-Type of a request stream says it has.
 *
 * @throws RpcError INVALID_ARGUMENT, answered with 415, when it is no JSON
 */
export function bodyForm(contentType: string | undefined, stream: boolean): BodyForm {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === '' || jsonTypes.has(type)) return 'unsaid';
  if (stream && lineTypes.has(type)) return 'lines';
  const taken = stream ? 'application/x-ndjson or application/json' : 'application/json';
  throw new RpcError(Status.INVALID_ARGUMENT, 'UNSUPPORTED_MEDIA_TYPE', `The body must be ${taken}, not ${type}.`);
}

/**
 * Reads a body whole, without its coding.
 *
 * @returns undefined when there is none
 * @throws RpcError when it is too large, takes too long, or breaks off
 */
export async function readBody(
  request: IncomingMessage,
  { maxBodyBytes, bodyTimeoutMs }: BodyLimits,
): Promise<Uint8Array | undefined> {
  const coding = contentCoding(request);
  const share = bodyShareOf(request);
  const maxBytes = Math.min(maxBodyBytes, share?.maxBytes ?? Infinity);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge('The body', maxBytes);
  const leftMs = Math.max(1, bodyTimeoutMs - (share === undefined ? 0 : performance.now() - share.since));
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(tooSlow(bodyTimeoutMs)), leftMs);
  const collected = new Collected(maxBytes, share);
  try {
    if (coding === 'identity') await Promise.race([collectPlain(request, collected), late.promise]);
    else {
      for (const iterator = decoded(chunksOf(request), coding); ;) {
        const { done, value } = await Promise.race([iterator.next(), late.promise]);
        if (done === true) break;
        collected.push(value);
      }
    }
  } finally {
    clearTimeout(timer);
    if (coding === 'identity') leaveUnread(request);
  }
  return collected.whole();
}

/** A body that is read whole. */
class Collected {
  readonly #maxBytes: number;
  readonly #share: BodyShare | undefined;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number, share: BodyShare | undefined) {
    this.#maxBytes = maxBytes;
    this.#share = share;
  }

  /** @throws RpcError when it becomes too large, or there is no room for it */
  push(chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length > this.#maxBytes) throw tooLarge('The body', this.#maxBytes);
    this.#share?.take(chunk.length);
    this.#chunks.push(chunk);
  }

  whole(): Uint8Array | undefined {
    if (this.#length === 0) return undefined;
    return this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks, this.#length);
  }
}

/** Reads a body that has no coding: by events, which take a fraction of the time of an iterator. */
function collectPlain(request: IncomingMessage, collected: Collected): Promise<void> {
  askForBody(request);
  // Of a request that says nothing of a body, Node makes a stream that is over, and has no events any more.
  if (request.readableEnded) return Promise.resolve();
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      try {
        collected.push(chunk);
      } catch (error) {
        reject(error);
      }
    });
    request.on('end', () => (brokeOff(request) ? reject(requestBrokeOff(undefined)) : resolve()));
    request.on('error', (cause) => reject(requestBrokeOff(cause)));
    request.on('close', () => {
      if (!request.readableEnded) reject(requestBrokeOff(undefined));
    });
    if (request.destroyed) reject(requestBrokeOff(undefined));
  });
}

/** What is left of a body that is refused is read by others, or by nobody. */
function leaveUnread(request: IncomingMessage): void {
  if (request.readableEnded) return;
  request.pause();
  request.removeAllListeners('data');
}

/**
 * Reads the messages of a body one after the other, as they arrive. It reads no further than it is asked.
 *
 * @param maxMessageBytes the largest message
 * @throws RpcError when a message is too large, the array is none, or the body breaks off
 */
export async function* readDocuments(
  request: IncomingMessage,
  form: BodyForm,
  coding: ContentCoding,
  maxMessageBytes: number,
): AsyncGenerator<Document> {
  const share = bodyShareOf(request);
  const maxBytes = Math.min(maxMessageBytes, share?.maxBytes ?? Infinity);
  let splitter: LineSplitter | ArraySplitter | undefined =
    form === 'lines' ? new LineSplitter(maxBytes, share) : undefined;
  for await (const chunk of decoded(chunksOf(request), coding)) {
    if (splitter === undefined) {
      const first = chunk.find((byte) => !isSpace(byte));
      if (first === undefined) continue;
      splitter = first === openBracket ? new ArraySplitter(maxBytes, share) : new LineSplitter(maxBytes, share);
    }
    yield* splitter.push(chunk);
  }
  if (splitter !== undefined) yield* splitter.end();
}

/** The chunks of a request. A caller that goes away in the middle is an error, so that a cut body never looks whole. */
export async function* chunksOf(request: IncomingMessage): AsyncGenerator<Buffer, undefined> {
  askForBody(request);
  try {
    // The response still has to be written when the reading stops early.
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  } catch (cause) {
    throw requestBrokeOff(cause);
  }
  if (brokeOff(request)) throw requestBrokeOff(undefined);
}

function requestBrokeOff(cause: unknown): RpcError {
  return new RpcError(Status.CANCELLED, 'CANCELLED', 'The request broke off.', { cause });
}

function tooLarge(what: string, maxBytes: number): RpcError {
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE', `${what} is larger than ${maxBytes} bytes.`);
}

export function tooSlow(timeoutMs: number): RpcError {
  return new RpcError(Status.DEADLINE_EXCEEDED, 'REQUEST_TOO_SLOW', `The body did not arrive within ${timeoutMs} ms.`);
}

const [lineFeed, openBracket, closeBracket, comma, quote, backslash] = [0x0a, 0x5b, 0x5d, 0x2c, 0x22, 0x5c] as const;
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/** What has come of a message that has not ended yet. */
class Partial {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #length = 0;
  readonly #share: BodyShare | undefined;

  constructor(maxBytes: number, share: BodyShare | undefined) {
    this.#maxBytes = maxBytes;
    this.#share = share;
  }

  add(part: Buffer, what: string): void {
    this.#length += part.length;
    if (this.#length > this.#maxBytes) throw tooLarge(what, this.#maxBytes);
    this.#share?.take(part.length);
    this.#parts.push(part);
  }

  take(): Buffer {
    const whole = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts, this.#length);
    this.#share?.give(this.#length);
    this.#parts = [];
    this.#length = 0;
    return whole;
  }
}

/** Newline-delimited JSON. Empty lines say nothing. @see https://github.com/ndjson/ndjson-spec */
class LineSplitter {
  readonly #partial: Partial;
  #line = 1;

  constructor(maxBytes: number, share: BodyShare | undefined) {
    this.#partial = new Partial(maxBytes, share);
  }

  *push(chunk: Buffer): Generator<Document> {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      this.#partial.add(chunk.subarray(start, end), this.#what());
      yield* this.#take();
      start = end + 1;
      this.#line++;
    }
    this.#partial.add(chunk.subarray(start), this.#what());
  }

  *end(): Generator<Document> {
    yield* this.#take();
  }

  *#take(): Generator<Document> {
    const bytes = this.#partial.take();
    if (!bytes.every(isSpace)) yield { bytes, what: this.#what() };
  }

  #what(): string {
    return `Line ${this.#line}`;
  }
}

/** The elements of a JSON array, found by their brackets, quotes and commas; each is parsed by whoever takes it. */
class ArraySplitter {
  readonly #partial: Partial;
  #state: 'before' | 'first' | 'element' | 'after' = 'before';
  #depth = 0;
  #inString = false;
  #escaped = false;
  #element = 1;

  constructor(maxBytes: number, share: BodyShare | undefined) {
    this.#partial = new Partial(maxBytes, share);
  }

  *push(chunk: Buffer): Generator<Document> {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#state === 'element') {
        if (!this.#endsElement(byte)) continue;
        this.#partial.add(chunk.subarray(start, at), this.#what());
        yield { bytes: this.#partial.take(), what: this.#what() };
        this.#element++;
        start = at + 1;
        if (byte === closeBracket) this.#state = 'after';
      } else if (!isSpace(byte)) {
        if (this.#state === 'after') throw malformed('The body goes on behind its array.');
        if (this.#state === 'before') this.#state = 'first'; // it is known to be an opening bracket
        else if (byte === closeBracket) this.#state = 'after';
        else {
          this.#state = 'element';
          start = at;
          at--; // the byte belongs to the element
        }
      }
    }
    if (this.#state === 'element') this.#partial.add(chunk.subarray(start), this.#what());
  }

  *end(): Generator<Document> {
    if (this.#state !== 'after') throw malformed('The array of the body does not end.');
  }

  #endsElement(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === backslash) this.#escaped = true;
      else if (byte === quote) this.#inString = false;
      return false;
    }
    if (this.#depth === 0 && (byte === comma || byte === closeBracket)) return true;
    if (byte === quote) this.#inString = true;
    else if (byte === openBracket || byte === 0x7b) this.#depth++;
    else if (byte === closeBracket || byte === 0x7d) this.#depth--;
    return false;
  }

  #what(): string {
    return `Element ${this.#element}`;
  }
}

function malformed(message: string): RpcError {
  return new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', message);
}
