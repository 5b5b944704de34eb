import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fromIterable, toAsyncIterable } from '@rollcall/grpc';
import { firstValueFrom, from } from 'rxjs';
import { expect, it } from 'vitest';
import { openRequest, type Rollcall, startRollcall } from '../rollcall.ts';

const count = 100_000;
const MiB = 2 ** 20;
/** Little to spare, so that what grows is not what V8 has not collected yet. See docs/decisions/0007. */
const smallHeap = '--max-semi-space-size=4 --max-old-space-size=80';

/** Ids from 1 in the order of no table. */
const idOf = (index: number): string => String(1 + ((index * 7919) % 2000));

function* ids(many: number): Generator<{ id: string }> {
  for (let index = 0; index < many; index += 1) yield { id: idOf(index) };
}

function* lines(many: number): Generator<string> {
  for (const id of ids(many)) yield `${JSON.stringify(id)}\n`;
}

/** Sends a stream of ids over REST. */
async function post(rollcall: Rollcall, path: string, many: number): Promise<IncomingMessage> {
  const request = openRequest(rollcall, path, { verb: 'POST', headers: { 'content-type': 'application/x-ndjson' } });
  Readable.from(lines(many)).pipe(request);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** Counts and looks up that many ids, over gRPC and REST. @returns how many users each has found */
async function ask(rollcall: Rollcall, many: number): Promise<number[]> {
  const counted = await firstValueFrom(rollcall.users.countExistingUsers(fromIterable(() => ids(many))));
  let lookedUp = 0;
  let asked = 0;
  for await (const { results } of toAsyncIterable(rollcall.users.lookupUsers(fromIterable(() => ids(many)))))
    for (const { id, found } of results) {
      if (id !== idOf(asked)) throw new Error(`answer ${asked} is about ${id}`);
      asked += 1;
      if (found) lookedUp += 1;
    }
  let text = '';
  for await (const chunk of (await post(rollcall, '/v1/users:countExisting', many)).setEncoding('utf8'))
    text += String(chunk);
  let lookedUpOverRest = 0;
  for await (const line of createInterface({ input: await post(rollcall, '/v1/users:lookup', many) }))
    if (line.includes('"found":true')) lookedUpOverRest += 1;
  return [
    Number(counted.existingCount),
    lookedUp,
    Number((JSON.parse(text) as { existingCount: string }).existingCount),
    lookedUpOverRest,
  ];
}

it(`${count} ids in a stream are counted and looked up with flat memory`, { timeout: 300_000 }, async () => {
  await using rollcall = await startRollcall({ NODE_OPTIONS: smallHeap });
  const unset = { createTime: null, updateTime: null, deleteTime: null, purgeTime: null, email: '', type: 0, etag: '' };
  const users = Array.from({ length: 1000 }, (_, index) => ({
    ...unset,
    id: String(index + 1),
    name: `user ${index}`,
  }));
  const rows = from([{ user: null, users, dryRun: false, onConflict: 0, afterRow: '0', requestId: '' }]);
  for await (const { results } of toAsyncIterable(rollcall.users.importUsers(rows)))
    expect(results.length).toBeGreaterThan(0);
  const found = (many: number): number => [...ids(many)].filter(({ id }) => Number(id) <= 1000).length;

  const all = (many: number): number[] => Array.from({ length: 4 }, () => found(many));
  expect(await ask(rollcall, count / 5)).toEqual(all(count / 5));
  const before = rollcall.memory();
  expect(await ask(rollcall, count)).toEqual(all(count));
  const after = rollcall.memory();
  const grown = Math.max(after.userService - before.userService, after.gateway - before.gateway);
  console.log(`${count} ids, four times: the larger process grew by ${(grown / MiB).toFixed(1)} MiB`);
  expect(grown).toBeLessThan(32 * MiB);
});
