import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The connections of a server that have not sent a request yet. A server that closes takes them for busy and waits for
 * them, and by then Node does not look any more at how long their headers take.
 */
export class SilentConnections {
  readonly #sockets = new Set<Socket>();

  /** @param secure whether the server speaks TLS; handshakes have a time limit of their own */
  constructor(server: Server, secure: boolean) {
    server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', ({ socket }: IncomingMessage) => this.#sockets.delete(socket));
  }

  /** Cuts them off. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
