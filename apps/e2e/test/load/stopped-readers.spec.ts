import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { ask, type Rollcall, startRollcall } from '../rollcall.ts';

/** How many readers stop, over each form; `npm run test:load` takes more. */
const readers = Number(process.env['STOPPED_READERS'] ?? 20);
const forms = ['application/x-ndjson', 'text/event-stream', 'application/json'];
const MiB = 2 ** 20;

/** What a stopped reader may add to all processes together once they have served some, in bytes. */
const perReader = MiB;

/** Puts users into the store beside the service, which has to be stopped: one by one they would take minutes. */
function fill(dataDir: string): void {
  const database = new DatabaseSync(join(dataDir, 'users.sqlite'));
  database.exec(`
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000)
    insert into users
    select i, 'User ' || i, 'user ' || i, 'user' || i || '@example.com', 'user' || i || '@example.com', -1, 1, 0, 0, 0, 0
    from n`);
  database.close();
}

/** Asks for an export, and reads its first bytes and nothing more. */
async function stop({ socketPath }: Rollcall, accept: string): Promise<Socket> {
  const socket = connect(socketPath);
  socket.on('error', () => undefined); // the services may end first
  socket.write(`GET /v1/users:export HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\n\r\n`);
  await once(socket, 'readable');
  expect(String(socket.read(12))).toBe('HTTP/1.1 200');
  return socket;
}

function memory(rollcall: Rollcall): number {
  const { userService, gateway } = rollcall.memory();
  return userService + gateway;
}

/** The memory of both processes once it has not grown for a second. */
async function settledMemory(rollcall: Rollcall): Promise<number> {
  let max = memory(rollcall);
  for (let same = 0; same < 10;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = memory(rollcall);
    same = now > max + MiB / 4 ? 0 : same + 1;
    max = Math.max(max, now);
  }
  return max;
}

it('exports to readers that stop cost little in sum, over each form', { timeout: 300_000 }, async () => {
  await using rollcall = await startRollcall();
  await rollcall.terminate('user-service');
  fill(rollcall.dataDir);
  await rollcall.restart('user-service');
  const sockets: Socket[] = [];
  const stopSome = async (): Promise<number> => {
    for (const form of forms) for (let count = 0; count < readers; count++) sockets.push(await stop(rollcall, form));
    return settledMemory(rollcall);
  };
  const warm = await stopSome();
  const cost = (await stopSome()) - warm;
  const stopped = readers * forms.length;
  console.log(`${stopped} further stopped readers: ${(cost / MiB).toFixed(1)} MiB`);
  expect(cost).toBeLessThan(stopped * perReader);
  expect((await ask(rollcall, '/v1/users/7')).status).toBe(200);
  for (const socket of sockets) socket.destroy();
});
