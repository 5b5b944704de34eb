import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@rollcall/test-servers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Target } from '../../attacks/attack.ts';
import { attacks } from '../../attacks/attacks.ts';
import { ask } from '../rollcall.ts';
import { type SignedIn, startSignedIn } from '../sign-in.ts';

const MiB = 2 ** 20;
/** How long an attack goes on, and how long it is quiet before it, in milliseconds; `npm run test:faults` takes more. */
const sliceMs = Number(process.env['ATTACK_MS'] ?? 4000);
/** How often quiet and attack take turns: the median of the ratios counts, for a neighbour on the machine disturbs single ones. */
const rounds = Number(process.env['ATTACK_ROUNDS'] ?? 3);
const getsPerSecond = 200;
/** How long somebody waits for an answer, in milliseconds. */
const patienceMs = 10_000;
/** How much slower those who are signed in may be served. */
const maxRatio = Number(process.env['ATTACK_RATIO'] ?? 3);
/** How much larger a process may get, in MiB; the first attack of a short run meets one that is not warm. */
const maxGrowthMiB = Number(process.env['ATTACK_GROWTH_MIB'] ?? 64);
/** What a p99 below this is taken for: a turn of a busy machine's scheduler. */
const floorMs = 10;

let system: SignedIn;
let target: Target;
let token: string;
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

beforeAll(async () => {
  const host = '127.0.0.1';
  target = { host, restPort: await freePort(), userPort: await freePort(), chatPort: await freePort() };
  system = await startSignedIn({
    GATEWAY_LISTEN: `${host}:${target.restPort}`,
    USER_LISTEN: `${host}:${target.userPort}`,
    CHAT_LISTEN: `${host}:${target.chatPort}`,
    // As in production: these two are raised for the other stories.
    ADDRESS_CALLS_PER_SECOND: '10',
    ADDRESS_CALLS_BURST: '100',
    LOG_LEVEL: 'fatal',
  });
  token = await system.newToken(await system.newUser());
  await busy(3000);
}, 60_000);
afterAll(async () => {
  agent.destroy();
  await system[Symbol.asyncDispose]();
});

interface Measured {
  readonly p99Ms: number;
  /** How many were answered otherwise than with 200, by status; 0 for those that were not answered in time. */
  readonly refused: Readonly<Record<number, number>>;
}

/** Signed-in GETs at their pace, whether the ones before were answered or not. */
async function measured(forMs: number): Promise<Measured> {
  const headers = { authorization: `Bearer ${token}` };
  const latencies: number[] = [];
  const refused: Record<number, number> = {};
  const asked: Promise<void>[] = [];
  const start = performance.now();
  for (let n = 0; n < (forMs / 1000) * getsPerSecond; n += 1) {
    const dueMs = start + (n * 1000) / getsPerSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    asked.push(
      get(headers).then((status) => {
        latencies.push(performance.now() - dueMs);
        if (status !== 200) refused[status] = (refused[status] ?? 0) + 1;
      }),
    );
  }
  await Promise.all(asked);
  const sorted = latencies.toSorted((a, b) => a - b);
  return { p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Infinity, refused };
}

/** Signed-in requests as fast as they are answered: what the processes take in a rush is no growth. */
async function busy(forMs: number): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const until = performance.now() + forMs;
  const paths = ['/v1/users/1', '/v1/rooms', '/v1/users?page_size=100'];
  const caller = async (_: unknown, index: number): Promise<void> => {
    while (performance.now() < until) await ask(system.rollcall, paths[index % paths.length] ?? '', { headers, agent });
  };
  await Promise.all(Array.from({ length: 32 }, caller));
}

async function get(headers: Record<string, string>): Promise<number> {
  const late = delay(patienceMs, 0, { ref: false });
  return await Promise.race([
    ask(system.rollcall, '/v1/users/1', { headers, agent }).then(({ status }) => status),
    late,
  ]);
}

/** The bytes of all audit entries. */
function auditBytes(): number {
  const database = new DatabaseSync(join(system.rollcall.dataDir, 'users.sqlite'), { readOnly: true });
  try {
    const row = database.prepare('select sum(length(entry) + length(hash)) as bytes from audit').get();
    return Number(row?.['bytes'] ?? 0);
  } finally {
    database.close();
  }
}

/** Attacks from a process of its own, which gets what the others leave of the processors: attackers bring their own. */
async function underAttack<T>(name: string, meanwhile: () => Promise<T>): Promise<{ result: T; requests: number }> {
  const main = fileURLToPath(new URL('../../attacks/main.ts', import.meta.url));
  const child = spawn(process.execPath, ['--no-warnings', main, name, JSON.stringify(target)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('attacking');
    const result = await meanwhile();
    child.stdin.end();
    return { result, requests: Number((await lines.next()).value) };
  } finally {
    if (child.exitCode === null) {
      child.stdin.end();
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Infinity;

test.each(attacks)(
  'people who are signed in are served as before under $name',
  { timeout: 60_000 + rounds * sliceMs * 10 },
  async ({ name }) => {
    const peak = system.rollcall.memory();
    let before = peak; // the largest while it was quiet
    const watch = setInterval(() => {
      const now = system.rollcall.memory();
      for (const app of ['userService', 'chatService', 'gateway'] as const) peak[app] = Math.max(peak[app], now[app]);
    }, 500);
    const bytesBefore = auditBytes();
    const ratios: number[] = [];
    let requests = 0;
    let attackedMs = 0;
    try {
      for (let round = 0; round < rounds; round += 1) {
        const quiet = await measured(sliceMs);
        expect(quiet.refused).toEqual({});
        if (round === 0) before = { ...peak };
        const start = performance.now();
        const attacked = await underAttack(name, () => measured(sliceMs));
        attackedMs += performance.now() - start;
        requests += attacked.requests;
        expect(attacked.result.refused, 'a call of somebody who is signed in').toEqual({});
        ratios.push(Math.max(attacked.result.p99Ms, floorMs) / Math.max(quiet.p99Ms, floorMs));
      }
    } finally {
      clearInterval(watch);
    }
    expect(requests).toBeGreaterThan(0);
    await delay(1500); // refusals are written within a second
    const growth = auditBytes() - bytesBefore;
    const grown = Object.entries(peak).map(
      ([app, bytes]) => [app, bytes - before[app as keyof typeof before]] as const,
    );
    console.log(
      `${name}: ${requests} requests; p99 ${median(ratios).toFixed(2)} × quiet (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}); ` +
        `RSS ${grown.map(([app, bytes]) => `${app} +${(bytes / MiB).toFixed(0)} MiB`).join(', ')}; ` +
        `audit log +${((growth * 60_000) / attackedMs / MiB).toFixed(2)} MiB a minute`,
    );
    expect(median(ratios)).toBeLessThanOrEqual(maxRatio);
    for (const [app, bytes] of grown) expect(bytes, app).toBeLessThanOrEqual(maxGrowthMiB * MiB);
    expect(growth).toBeLessThanOrEqual((MiB * Math.max(attackedMs, 60_000)) / 60_000);
  },
);
