import type { Socket, Server as NetServer } from 'node:net';
import { Load } from './load.ts';
import type { ServerLimits } from './limits.ts';

type OnConnection = (socket: Socket) => void;

/**
 * The sockets of a server, from when they are accepted, before anything is read or a handshake begins. Those of an address
 * have a bound, and so have all of them. Peers on a unix socket have no address: they are bounded together.
 */
export class Sockets {
  readonly #limits: ServerLimits;
  readonly #addressKey: (address: string) => string;
  readonly #all: Load;
  readonly #addresses = new Map<string, Load>();

  /** @param addressKey what an address counts as, such as its network */
  constructor(limits: ServerLimits, addressKey: (address: string) => string) {
    const { maxConnections: connections, maxOpenCalls: openCalls, maxUnfinishedBytes: unfinishedBytes } = limits;
    this.#limits = limits;
    this.#addressKey = addressKey;
    this.#all = new Load({ connections, openCalls, unfinishedBytes });
  }

  /**
   * Stands between a server and those who listen to its connections.
   *
   * @param makeRoom closes a connection of a load that has none left. It returns false when none may be closed
   */
  guard(server: NetServer, makeRoom: (load: Load) => boolean): void {
    const listeners = server.listeners('connection') as OnConnection[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const { remoteAddress } = socket;
      const load = this.#ofAddress(remoteAddress);
      const full = load.full('connections');
      if (full !== undefined && !makeRoom(full)) {
        socket.destroy();
        this.#forget(remoteAddress, load);
        return;
      }
      load.count('connections');
      socket.once('close', () => {
        load.give('connections');
        this.#forget(remoteAddress, load);
      });
      for (const listener of listeners) listener.call(server, socket);
    });
  }

  /** Whether a connection from an address is one of those that a load counts. */
  isWithin(address: string | undefined, load: Load): boolean {
    return this.#ofAddress(address).within(load);
  }

  /** Makes what counts for one connection from an address. */
  loadOf(address: string | undefined): Load {
    const { maxOpenCallsPerConnection: openCalls, maxUnfinishedBytesPerConnection: unfinishedBytes } = this.#limits;
    return new Load({ connections: Infinity, openCalls, unfinishedBytes }, this.#ofAddress(address));
  }

  #forget(address: string | undefined, load: Load): void {
    if (address !== undefined && load.connections === 0) this.#addresses.delete(this.#addressKey(address));
  }

  #ofAddress(address: string | undefined): Load {
    if (address === undefined) return this.#all;
    const key = this.#addressKey(address);
    let load = this.#addresses.get(key);
    if (load === undefined) {
      const {
        maxConnectionsPerAddress: connections,
        maxOpenCallsPerAddress: openCalls,
        maxUnfinishedBytesPerAddress: unfinishedBytes,
      } = this.#limits;
      load = new Load({ connections, openCalls, unfinishedBytes }, this.#all);
      this.#addresses.set(key, load);
    }
    return load;
  }
}
