import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How many connections may be open. */
export interface ConnectionLimits {
  readonly maxConnections: number;
  readonly maxAddressConnections: number;
}

/**
 * Bounds the connections of a server, in sum and from one address. Those beyond are closed before anything of them is
 * read: whoever has too many has others to read an answer from.
 *
 * @param addressOf whom a connection counts for; undefined when it does not, such as a proxy's
 */
export function boundConnections(
  server: Server,
  { maxConnections, maxAddressConnections }: ConnectionLimits,
  addressOf: (socket: Socket) => string | undefined,
): void {
  const open = new Map<string, number>();
  server.maxConnections = maxConnections;
  server.on('connection', (socket: Socket) => {
    const address = addressOf(socket);
    if (address === undefined) return;
    const count = (open.get(address) ?? 0) + 1;
    if (count > maxAddressConnections) {
      socket.destroy();
      return;
    }
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}
