import { type Server as NetServer, Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';

/** The connections of a TLS server that have not shaken hands yet. Closing a server does not end them, and waits for them. */
export class Handshakes {
  readonly #under = new Set<Socket>();

  /** Takes note of the connections that a server gets from now on. Those in plain text have nothing to shake hands about. */
  watch(server: NetServer): void {
    if (!(server instanceof TlsServer)) return;
    server.on('connection', (socket: Socket) => {
      this.#under.add(socket);
      socket.once('close', () => this.#under.delete(socket));
    });
    server.on('secureConnection', (secure: TLSSocket & { readonly _parent?: Socket }) => {
      const { _parent: below } = secure; // Node has no public way from a TLS socket to the one below
      if (below !== undefined) this.#under.delete(below);
    });
  }

  /** Cuts the oldest off of those that a condition is true of. @returns false when there is none */
  cutOldest(isMeant: (socket: Socket) => boolean): boolean {
    for (const socket of this.#under) {
      if (socket.destroyed || !isMeant(socket)) continue;
      socket.destroy();
      return true;
    }
    return false;
  }

  /** Cuts them off. */
  cutOff(): void {
    for (const socket of this.#under) socket.destroy();
  }
}
