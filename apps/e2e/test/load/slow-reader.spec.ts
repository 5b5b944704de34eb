import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { ask, openRequest, type Rollcall, startRollcall } from '../rollcall.ts';

/** How many users; `npm run test:load` takes 1,000,000. */
const count = Number(process.env['SLOW_READER_USERS'] ?? 100_000);
const MiB = 2 ** 20;

/** Puts users into the store beside the service, which has to be stopped: one by one they would take minutes. */
function fill(dataDir: string): void {
  const database = new DatabaseSync(join(dataDir, 'users.sqlite'));
  database.exec(`
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
    insert into users
    select i, 'User ' || i, 'user ' || i, 'user' || i || '@example.com', 'user' || i || '@example.com', -1, 1, 0, 0, 0, 0
    from n`);
  database.close();
}

/** Waits until the memory of both processes has not grown for a second, but for what little their idle work touches. */
async function settledMemory(rollcall: Rollcall): Promise<{ userService: number; gateway: number }> {
  let max: { userService: number; gateway: number } = rollcall.memory();
  for (let same = 0; same < 10;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = rollcall.memory();
    const grown = Math.max(now.userService - max.userService, now.gateway - max.gateway);
    same = grown > MiB / 4 ? 0 : same + 1;
    max = { userService: Math.max(max.userService, now.userService), gateway: Math.max(max.gateway, now.gateway) };
  }
  return max;
}

async function startExport(rollcall: Rollcall): Promise<IncomingMessage> {
  const request = openRequest(rollcall, '/v1/users:export');
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

it(
  `an export of ${count} users to a reader that stops takes no memory, and goes on when it reads`,
  { timeout: 300_000 },
  async () => {
    await using rollcall = await startRollcall();
    await rollcall.terminate('user-service');
    fill(rollcall.dataDir);
    await rollcall.restart('user-service');

    // Once through, so that both processes have done all of it before.
    const warm = await startExport(rollcall);
    for await (const chunk of warm) if (String(chunk).includes('"id":"20000"')) break;
    await settledMemory(rollcall);
    const before = rollcall.memory();

    const response = await startExport(rollcall);
    await once(response, 'readable');
    const stopped = await settledMemory(rollcall);
    const growth = { userService: stopped.userService - before.userService, gateway: stopped.gateway - before.gateway };
    console.log(
      `a stopped reader: user-service ${(growth.userService / MiB).toFixed(1)} MiB, gateway ${(growth.gateway / MiB).toFixed(1)} MiB`,
    );
    expect(growth.userService).toBeLessThan(16 * MiB);
    expect(growth.gateway).toBeLessThan(16 * MiB);

    // The rest of the service does not notice.
    expect((await ask(rollcall, '/v1/users/7')).status).toBe(200);

    let lines = 0;
    let last = '';
    for await (const chunk of response.setEncoding('utf8')) {
      const text = last + String(chunk);
      const end = text.lastIndexOf('\n') + 1;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
      last = text.slice(end);
    }
    expect([lines, last, response.complete]).toEqual([count, '', true]);
  },
);
