import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Client } from 'pg';

/** A real PostgreSQL server of the test's own, on a unix socket in a folder that is gone at the end. */
export interface Postgres extends AsyncDisposable {
  /** Makes an empty database. @param folder where its tables lie, when that is another disk @returns its URL */
  createDatabase(folder?: string): Promise<string>;
  /** Ends the server as an administrator does who does not wait for clients. */
  stop(): Promise<void>;
  /** Starts it again, over the same files. */
  start(): Promise<void>;
  /** Lets all of its processes stand still. */
  pause(): void;
  resume(): void;
}

/** @throws Error when PostgreSQL is not installed */
export async function startPostgres(): Promise<Postgres> {
  const bin = findBin();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-postgres-'));
  const owner = ownerOfServer();
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const options = { ...owner, cwd: folder };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'rollcall', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N'], {
    ...options,
    stdio: 'ignore',
  });
  let server: ChildProcess | undefined;
  let databases = 0;

  const start = async (): Promise<void> => {
    const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, 'max_connections=200'];
    const child = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true, // a process group of its own
    });
    server = child;
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
    while (!(await takesConnections(folder))) {
      if (child.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const stop = async (): Promise<void> => {
    const child = server;
    server = undefined;
    if (child?.pid === undefined || child.exitCode !== null) return;
    signalAll(child, 'SIGCONT');
    child.kill('SIGINT'); // its fast shutdown
    await once(child, 'exit');
  };
  await start();
  return {
    start,
    stop,
    pause: () => signalAll(server, 'SIGSTOP'),
    resume: () => signalAll(server, 'SIGCONT'),
    async createDatabase(elsewhere) {
      databases += 1;
      const name = `test_${process.pid}_${databases}_${Math.floor(performance.now())}`;
      await withClient(folder, async (client) => {
        if (elsewhere === undefined) await client.query(`create database ${name}`);
        else {
          if (owner !== undefined) chownSync(elsewhere, owner.uid, owner.gid);
          await client.query(`create tablespace ${name} location '${elsewhere}'`);
          await client.query(`create database ${name} tablespace ${name}`);
        }
      });
      return urlOf(folder, name);
    },
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function urlOf(folder: string, database: string): string {
  return `postgresql://rollcall@localhost/${database}?host=${encodeURIComponent(folder)}`;
}

async function withClient<T>(folder: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: urlOf(folder, 'postgres') });
  client.on('error', () => undefined); // the caller hears of it
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function takesConnections(folder: string): Promise<boolean> {
  return withClient(folder, (client) => client.query('select 1')).then(
    () => true,
    () => false,
  );
}

/** Its backends are in sessions of their own, so that the group is not all of it. */
function signalAll(server: ChildProcess | undefined, signal: NodeJS.Signals): void {
  if (server?.pid === undefined) throw new Error('PostgreSQL does not run');
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(server.pid)], { encoding: 'utf8' });
  for (const pid of [server.pid, ...children.split(/\s+/).filter(Boolean).map(Number)]) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // one that has just ended
    }
  }
}

/** The newest one on the PATH, or where Debian has it. */
function findBin(): string {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
  if (found === undefined)
    throw new Error('PostgreSQL is not installed: no initdb on the PATH, nor below /usr/lib/postgresql');
  return found;
}

/** PostgreSQL refuses to run as root. */
function ownerOfServer(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
