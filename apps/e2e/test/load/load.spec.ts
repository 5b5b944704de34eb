import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRequest, type Rollcall, startRollcall } from '../rollcall.ts';

/** How many users; `npm run test:load` takes 100,000. */
const count = Number(process.env['LOAD_USERS'] ?? 4000);
const inFlight = 64;
const agent = new Agent({ keepAlive: true, maxSockets: inFlight });

let rollcall: Rollcall;
beforeAll(async () => {
  rollcall = await startRollcall();
}, 30_000);
afterAll(async () => {
  agent.destroy();
  await rollcall[Symbol.asyncDispose]();
});

const userOf = (n: number) => ({ name: `User ${n} ü`, email: `user${n}@example.com`, age: n % 100 });

async function createOverRest(n: number): Promise<string> {
  const request = httpRequest({
    socketPath: rollcall.socketPath,
    path: '/v1/users',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    agent,
  });
  request.end(JSON.stringify(userOf(n)));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  expect(response.statusCode, text).toBe(201);
  return (JSON.parse(text) as { id: string }).id;
}

async function createOverGrpc(n: number): Promise<string> {
  const user = {
    ...userOf(n),
    id: '0',
    type: 0,
    createTime: null,
    updateTime: null,
    deleteTime: null,
    purgeTime: null,
    etag: '',
  };
  return (await firstValueFrom(rollcall.users.createUser({ user, requestId: '' }))).user?.id ?? '';
}

/** What an export holds, without holding it: how many users, and a hash of all of them in order. */
async function readExport(accept: string): Promise<{ users: number; hash: string; peak: number }> {
  const request = openRequest(rollcall, '/v1/users:export', { headers: { accept } });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const hash = createHash('sha256');
  let users = 0;
  let peak = 0;
  const take = (json: string): void => {
    hash.update(JSON.stringify(JSON.parse(json)));
    if (users++ % 5000 === 0) peak = Math.max(peak, ...Object.values(rollcall.memory()));
  };
  if (accept === 'application/json') {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
    for (const user of JSON.parse(text) as object[]) take(JSON.stringify(user));
  } else {
    for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
      if (accept === 'application/x-ndjson') take(line);
      else if (line.startsWith('data: {"id"')) take(line.slice('data: '.length));
    }
  }
  expect(response.complete).toBe(true);
  return { users, hash: hash.digest('hex'), peak };
}

it(
  `${count} users, created by many callers over gRPC and REST, are exported the same in every form with flat memory`,
  { timeout: 600_000 },
  async () => {
    const ids = new Set<string>();
    let next = 0;
    const caller = async (create: (n: number) => Promise<string>): Promise<void> => {
      while (next < count) ids.add(await create(next++));
    };
    const start = performance.now();
    await Promise.all(
      Array.from({ length: inFlight }, (_, index) => caller(index % 2 === 0 ? createOverGrpc : createOverRest)),
    );
    const seconds = (performance.now() - start) / 1000;
    expect(ids.size).toBe(count);

    const before = Math.max(...Object.values(rollcall.memory()));
    const forms = [];
    for (let round = 0; round < 3; round++)
      for (const accept of ['application/x-ndjson', 'text/event-stream', 'application/json'])
        forms.push(await readExport(accept));
    expect(forms.map(({ users }) => users)).toEqual(forms.map(() => count));
    expect(new Set(forms.map(({ hash }) => hash)).size).toBe(1);
    const growth = Math.max(...forms.map(({ peak }) => peak)) - before;
    console.log(
      `${count} users created in ${seconds.toFixed(1)} s; exports grew the larger process by ${(growth / 2 ** 20).toFixed(1)} MiB`,
    );
    // Node lets 64 MiB of buffers wait for their collection; 100,000 users are 18 MB in each of nine exports.
    expect(growth).toBeLessThan(96 * 2 ** 20);
  },
);
