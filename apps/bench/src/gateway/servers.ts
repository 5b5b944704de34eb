import { chmodSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appCommand } from '@rollcall/test-servers';
import { seedUsers } from './users.ts';
import { VariantProcess } from '../measure/variant-process.ts';

/** A REST server over the users, of one process or several. */
export class GatewayServer implements AsyncDisposable {
  readonly name: string;
  readonly socketPath: string;
  readonly #processes: readonly VariantProcess[];

  constructor(name: string, socketPath: string, processes: readonly VariantProcess[]) {
    this.name = name;
    this.socketPath = socketPath;
    this.#processes = processes;
  }

  /** The same under another name, where what it is asked is compared. Only the first ends the processes. */
  named(name: string): GatewayServer {
    return new GatewayServer(name, this.socketPath, this.#processes);
  }

  /** The processor time of all its processes so far, in microseconds. */
  cpuMicros(): number {
    return this.#processes.reduce((sum, each) => sum + each.cpuMicros(), 0);
  }

  /** Waits until it answers this path. */
  async answers(path: string, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#processes.slice(-1).map((rest) => rest.answers(this.socketPath, path, signal)));
  }

  /** Ends the processes, the one that is called last. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#processes.toReversed()) await each[Symbol.asyncDispose]();
  }
}

const here = fileURLToPath(new URL('..', import.meta.url));

/** Starts a variant in a folder of its own, whose `data` holds the store. */
type Start = (folder: string) => GatewayServer;

const monolith: Start = (folder) => {
  const socketPath = join(folder, 'rest.sock');
  const rest = new VariantProcess([join(here, 'monolith/main.js')], {
    LISTEN: socketPath,
    DATA_DIR: join(folder, 'data'),
  });
  return new GatewayServer('monolith', socketPath, [rest]);
};

const byTheBook: Start = (folder) => {
  const socketPath = join(folder, 'rest.sock');
  const target = `unix://${folder}/grpc.sock`;
  const service = new VariantProcess([join(here, 'by-the-book-service/main.js')], {
    USER_LISTEN: target,
    DATA_DIR: join(folder, 'data'),
  });
  const rest = new VariantProcess([join(here, 'by-the-book-gateway/main.js')], {
    LISTEN: socketPath,
    USER_TARGET: target,
  });
  return new GatewayServer('by-the-book', socketPath, [service, rest]);
};

/** Starts the gateway and the service as they are, with more in their environment. */
export function startRollcall(folder: string, name: string, more: Readonly<Record<string, string>>): GatewayServer {
  const socketPath = join(folder, 'rest.sock');
  const target = `unix://${folder}/grpc.sock`;
  const env = { LOG_LEVEL: 'warn', USER_LISTEN: target, USER_TARGET: target, ...more };
  const service = new VariantProcess(appCommand('user-service'), {
    ...env,
    DATA_DIR: join(folder, 'data'),
  });
  const rest = new VariantProcess(appCommand('gateway'), {
    ...env,
    GATEWAY_LISTEN: `unix://${socketPath}`,
  });
  return new GatewayServer(name, socketPath, [service, rest]);
}

/** Gateway and service as they are, and with a stream of HTTP/2 for each call between them. */
const rollcall: Start = (folder) => startRollcall(folder, 'rollcall', {});
const plain: Start = (folder) => startRollcall(folder, 'plain', { BATCHED_CALLS: '0' });

/** The variants of the gateway benches, in the order of the table. */
const variants: Readonly<Record<string, Start>> = { monolith, 'by-the-book': byTheBook, plain, rollcall };

/**
 * Starts every variant over a copy of the same users, and waits until all answer.
 *
 * @param folder an empty folder, for stores and sockets
 * @param stack ends the servers
 */
export async function startGateways(
  folder: string,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Promise<GatewayServer[]> {
  const seed = join(folder, 'seed');
  {
    mkdirSync(seed);
    await using server = rollcall(seed);
    await server.answers('/v1/caller', signal);
    await seedUsers(server.socketPath);
  } // ended, it has left its store in one file
  const servers = Object.entries(variants).map(([name, start]) => {
    cpSync(join(seed, 'data'), join(folder, name, 'data'), { recursive: true });
    chmodSync(join(folder, name, 'data'), 0o700);
    return stack.use(start(join(folder, name)));
  });
  await Promise.all(servers.map((server) => server.answers('/v1/users/1', signal)));
  return servers;
}
