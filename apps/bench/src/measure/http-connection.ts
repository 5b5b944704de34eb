import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  /** The body as Latin-1, a character a byte. */
  readonly body: string;
}

type Taker = (answer: HttpAnswer | undefined, error: Error | undefined) => void;

/**
 * A keep-alive HTTP/1.1 connection over a unix socket, for one request at a time. It knows just enough of HTTP for the
 * benches, because the load must cost less than what it loads: node:http takes about as long to send a request as a
 * bare server takes to answer it. Answers must have a content-length.
 */
export class HttpConnection implements AsyncDisposable {
  readonly #socket: Socket;
  #received = '';
  #taker: Taker | undefined;
  #failure: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  /** Connects. @throws Error when nobody listens */
  static async open(socketPath: string): Promise<HttpConnection> {
    const socket = createConnection(socketPath);
    await once(socket, 'connect');
    return new HttpConnection(socket);
  }

  /** Sends a request, all of it, as Latin-1, and calls back once with the answer or an error. */
  send(request: string, taker: Taker): void {
    this.#taker = taker;
    if (this.#failure === undefined) this.#socket.write(request, 'latin1');
    else this.#fail(this.#failure);
  }

  /** As `send`, with a promise. */
  ask(request: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.send(request, (answer, error) => {
        if (answer === undefined) reject(error ?? new Error('no answer'));
        else resolve(answer);
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }

  #receive(chunk: string): void {
    const text = this.#received === '' ? chunk : this.#received + chunk;
    this.#received = text;
    const head = text.indexOf('\r\n\r\n');
    if (head === -1) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    if (length === undefined || !text.startsWith('HTTP/1.1 ')) {
      this.#socket.destroy(new Error(`an answer without content-length: ${text.slice(0, head)}`));
      return;
    }
    const end = head + 4 + Number(length);
    if (text.length < end) return;
    this.#received = text.slice(end);
    this.#settle({ status: Number(text.slice(9, 12)), body: text.slice(head + 4, end) }, undefined);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#settle(undefined, this.#failure);
  }

  #settle(answer: HttpAnswer | undefined, error: Error | undefined): void {
    const taker = this.#taker;
    this.#taker = undefined;
    taker?.(answer, error);
  }
}
