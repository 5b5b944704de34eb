import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Metadata } from '@grpc/grpc-js';
import { reportBackpressure } from '@rollcall/grpc';
import { endWithHeaders, isHttp2 } from '../http/http2.ts';
import { answerBesideUpload } from '../http/lingering-close.ts';
import { httpStatusOf } from '../problem/problem.ts';
import { type Compression, compress, minCompressedBytes } from './compression.ts';
import { envelope, flags } from './envelope.ts';
import { headersOf } from './metadata.ts';
import { answerType, type Spoken } from './protocol.ts';
import { connectError, type Failure, grpcTrailers } from './status.ts';

/** Writes what a call answers. Each call ends by `end` or `fail`, or is cut. */
export interface RpcAnswer {
  /** Takes the headers of the service's answer. */
  headers(metadata: Metadata): void;
  /** Writes a message, and reports backpressure when the caller does not read. */
  message(bytes: Buffer): void;
  end(trailers: Metadata | undefined): void;
  fail(failure: Failure): void;
}

/** The answer that a request gets in its protocol. @param head headers of every answer, such as those of CORS */
export function answerIn(
  spoken: Spoken,
  response: ServerResponse,
  compression: Compression,
  head: OutgoingHttpHeaders,
): RpcAnswer {
  return spoken.protocol === 'connect-unary'
    ? new PlainAnswer(spoken, response, compression, head)
    : new FramedAnswer(spoken, response, compression, head);
}

/** A unary call of Connect: the message is the body, and an error has an HTTP status. */
class PlainAnswer implements RpcAnswer {
  readonly #spoken: Spoken;
  readonly #response: ServerResponse;
  readonly #compression: Compression;
  #head: OutgoingHttpHeaders;
  #message: Buffer = Buffer.alloc(0);

  constructor(spoken: Spoken, response: ServerResponse, compression: Compression, head: OutgoingHttpHeaders) {
    this.#spoken = spoken;
    this.#response = response;
    this.#compression = compression;
    this.#head = head;
  }

  headers(metadata: Metadata): void {
    this.#head = { ...this.#head, ...headersOf(metadata) };
  }

  message(bytes: Buffer): void {
    this.#message = bytes;
  }

  end(trailers: Metadata | undefined): void {
    this.#send(200, answerType(this.#spoken), this.#message, trailers);
  }

  fail(failure: Failure): void {
    const body = Buffer.from(JSON.stringify(connectError(failure)));
    const [status] = httpStatusOf(failure.code);
    this.#send(status, 'application/json', body, failure.trailers);
  }

  #send(status: number, type: string, body: Buffer, trailers: Metadata | undefined): void {
    const head = { ...this.#head, ...(trailers && headersOf(trailers, 'trailer-')), 'content-type': type };
    if (isUploading(this.#response)) answerBesideUpload(this.#response, status, head, body);
    else if (this.#compression === 'identity' || body.length < minCompressedBytes) this.#finish(status, head, body);
    else void compress(body).then((packed) => this.#finish(status, { ...head, 'content-encoding': 'gzip' }, packed));
  }

  #finish(status: number, head: OutgoingHttpHeaders, body: Buffer): void {
    this.#response.writeHead(status, { ...head, 'content-length': body.length });
    this.#response.end(body);
  }
}

/** A stream of Connect, gRPC-Web and gRPC: messages in envelopes, and the status at the end. */
class FramedAnswer implements RpcAnswer {
  readonly #spoken: Spoken;
  readonly #response: ServerResponse;
  readonly #compression: Compression;
  #head: OutgoingHttpHeaders;
  #drained: PromiseWithResolvers<void> | undefined;
  /** What is compressed before what comes next may be sent. */
  #before: Promise<void> | undefined;

  constructor(spoken: Spoken, response: ServerResponse, compression: Compression, head: OutgoingHttpHeaders) {
    this.#spoken = spoken;
    this.#response = response;
    this.#compression = compression;
    this.#head = head;
    const drained = (): void => {
      this.#drained?.resolve();
      this.#drained = undefined;
    };
    response.on('drain', drained).on('close', drained);
  }

  headers(metadata: Metadata): void {
    if (this.#response.headersSent) return;
    this.#head = { ...this.#head, ...headersOf(metadata) };
    this.#open();
    this.#response.flushHeaders();
  }

  message(bytes: Buffer): void {
    const isSmall = this.#compression === 'identity' || bytes.length < minCompressedBytes;
    const written =
      isSmall && this.#before === undefined
        ? this.#write(envelope(0, bytes))
        : this.#later(
            isSmall ? envelope(0, bytes) : compress(bytes).then((packed) => envelope(flags.compressed, packed)),
          );
    if (written !== undefined) reportBackpressure(written);
  }

  end(trailers: Metadata | undefined): void {
    this.#finishInOrder(undefined, trailers);
  }

  fail(failure: Failure): void {
    this.#finishInOrder(failure, failure.trailers);
  }

  /** Writes what is being compressed, behind what was to be written before. */
  #later(bytes: Buffer | Promise<Buffer>): Promise<void> {
    const before = this.#before;
    const written = (async () => {
      const [ready] = await Promise.all([bytes, before]);
      await this.#write(ready);
    })();
    this.#before = written;
    void written.then(() => {
      if (this.#before === written) this.#before = undefined;
    });
    return written;
  }

  #finishInOrder(failure: Failure | undefined, trailers: Metadata | undefined): void {
    if (this.#before === undefined) this.#finish(failure, trailers);
    else void this.#before.then(() => this.#finish(failure, trailers));
  }

  #open(): void {
    this.#response.writeHead(200, this.#headers());
  }

  #headers(): OutgoingHttpHeaders {
    const { protocol } = this.#spoken;
    const encoding = protocol === 'connect-stream' ? 'connect-content-encoding' : 'grpc-encoding';
    return {
      ...this.#head,
      'content-type': answerType(this.#spoken),
      ...(this.#compression !== 'identity' && { [encoding]: this.#compression }),
      'x-accel-buffering': 'no', // proxies pass each message on as it comes
    };
  }

  /** @returns undefined when the caller takes more at once, else a promise to wait for */
  #write(bytes: Buffer): Promise<void> | undefined {
    if (this.#response.destroyed || this.#response.writableEnded) return undefined;
    if (!this.#response.headersSent) this.#open();
    if (this.#response.write(this.#textual(bytes))) return undefined;
    return (this.#drained ??= Promise.withResolvers()).promise;
  }

  #finish(failure: Failure | undefined, trailers: Metadata | undefined): void {
    const { protocol } = this.#spoken;
    if (this.#response.destroyed || this.#response.writableEnded) return;
    if (protocol === 'connect-stream') {
      const metadata = trailers && headersOf(trailers);
      const end = {
        ...(failure && { error: connectError(failure) }),
        ...(metadata && Object.keys(metadata).length > 0 && { metadata }),
      };
      this.#finishWith(envelope(flags.connectEnd, Buffer.from(JSON.stringify(end))));
      return;
    }
    const fields = grpcTrailers(failure, trailers);
    if (protocol !== 'grpc') {
      this.#finishWith(envelope(flags.webTrailers, Buffer.from(fieldLines(fields))));
    } else if (this.#response.headersSent) {
      this.#response.addTrailers(fields);
      this.#response.end();
    } else endWithHeaders(this.#response, { ...this.#headers(), ...fields });
  }

  #finishWith(last: Buffer): void {
    if (!this.#response.headersSent && isUploading(this.#response)) {
      answerBesideUpload(this.#response, 200, this.#headers(), Buffer.from(this.#textual(last)));
      return;
    }
    void this.#write(last);
    this.#response.end();
  }

  #textual(bytes: Buffer): Buffer | string {
    return this.#spoken.protocol === 'grpc-web-text' ? bytes.toString('base64') : bytes;
  }
}

/** Whether a request over HTTP/1.1 is still on its way: its connection is then good for no other. HTTP/2 has a word for it. */
function isUploading({ req }: ServerResponse): boolean {
  return !req.complete && !isHttp2(req);
}

/** Trailers as gRPC-Web writes them. */
function fieldLines(fields: Readonly<Record<string, string[]>>): string {
  return Object.entries(fields)
    .flatMap(([name, values]) => values.map((value) => `${name}: ${value}\r\n`))
    .join('');
}
