import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from './free-port.ts';

/** A real NATS server of the test's own, with JetStream, on a port that stays its own; its files are gone at the end. */
export interface Nats extends AsyncDisposable {
  /** Where it is: `nats://127.0.0.1:…`. */
  readonly url: string;
  /** Ends it without a word, as a crash does, if it runs. */
  kill(): Promise<void>;
  /** Starts it again, over the same files. */
  start(): Promise<void>;
  /** Lets it stand still. */
  pause(): void;
  resume(): void;
  /** Removes its files. It must not run. */
  forget(): void;
}

/** What a server has beside JetStream. */
export interface NatsOptions {
  /** More of its configuration, in its own language. */
  readonly config?: string;
  /** What stands inside of the `jetstream` block, such as `max_file_store: 1MB`. */
  readonly jetstream?: string;
  /** Where its files lie, when that is another disk. */
  readonly folder?: string;
}

/** @throws Error when nats-server is not installed */
export async function startNats({ config = '', jetstream = '', folder: elsewhere }: NatsOptions = {}): Promise<Nats> {
  const command = findCommand();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-nats-'));
  const store = join(elsewhere ?? folder, 'store');
  const file = join(folder, 'nats.conf');
  const port = await freePort();
  writeFileSync(file, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${store}"\n${jetstream} }\n${config}\n`);
  let server: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const child = spawn(command, ['-c', file], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    server = child;
    // A test that hangs does not come to its end; the server ends with its process.
    const end = (): void => void child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
    while (!(await takesConnections(port))) {
      if (child.exitCode !== null) throw new Error(`nats-server did not start: ${log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const kill = async (): Promise<void> => {
    const child = server;
    server = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    start,
    kill,
    pause: () => {
      if (server?.pid === undefined) throw new Error('NATS does not run');
      server.kill('SIGSTOP');
      // All of its threads have to hear of it.
      while (!execFileSync('ps', ['-o', 'stat=', '-p', String(server.pid)], { encoding: 'utf8' }).startsWith('T'))
        continue;
    },
    resume: () => void server?.kill('SIGCONT'),
    forget: () => rmSync(store, { recursive: true, force: true }),
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Starts three servers that are one cluster, and waits until they have chosen who leads JetStream. A stream of three
 * replicas goes on while any one is away.
 */
export async function startNatsCluster(): Promise<AsyncDisposable & { readonly servers: readonly Nats[] }> {
  const routes = [await freePort(), await freePort(), await freePort()];
  const monitors = [await freePort(), await freePort(), await freePort()];
  const urls = routes.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
  const servers = await Promise.all(
    routes.map((route, index) =>
      startNats({
        config: `server_name: server-${index}
          http: "127.0.0.1:${monitors[index]}"
          cluster { name: test, listen: "127.0.0.1:${route}", routes: [${urls}] }`,
      }),
    ),
  );
  await Promise.all(monitors.map(isHealthy));
  return {
    servers,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

/** Waits until a server says that it is. @param port of its monitoring, see https://docs.nats.io/running-a-nats-service/nats_admin/monitoring */
async function isHealthy(port: number): Promise<void> {
  for (;;) {
    const healthy = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      (response) => response.ok,
      () => false, // it does not listen yet
    );
    if (healthy) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether it greets us. */
function takesConnections(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.once('data', () => resolve(true));
  socket.once('close', () => resolve(false));
  socket.on('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

/** On the PATH, or where Debian has it. */
function findCommand(): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  const found = folders.map((folder) => join(folder, 'nats-server')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('NATS is not installed: no nats-server on the PATH, nor in /usr/sbin');
  return found;
}
