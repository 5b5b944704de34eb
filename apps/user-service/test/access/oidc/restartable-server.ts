import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on a loopback port of its own, which can stop, and start again on the same one. */
export class RestartableServer implements AsyncDisposable {
  readonly #asked: string[] = [];
  #server: Server | undefined;
  #port = 0;
  /** What answers. It may be changed while the server runs. */
  listener: RequestListener = (_, response) => void response.writeHead(503).end();

  /** The paths that were asked for. */
  get asked(): readonly string[] {
    return this.#asked;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.#asked.push(request.url ?? '');
      this.listener(request, response);
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (this.#server === undefined) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    this.#server = undefined;
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
