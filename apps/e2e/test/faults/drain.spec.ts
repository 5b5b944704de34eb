import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { openRequest, type Rollcall, startRollcall } from '../rollcall.ts';

const streams = 200;

/** Opens an export and stops reading it. */
async function stoppedExport(rollcall: Rollcall, accept: string): Promise<IncomingMessage> {
  const request = openRequest(rollcall, '/v1/users:export', { headers: { accept } });
  request.on('error', () => undefined);
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return response;
}

it(
  `SIGTERM with ${streams} open streams of readers that have stopped: both processes end in time with exit code 0`,
  { timeout: 60_000 },
  async () => {
    await using rollcall = await startRollcall({ LOG_LEVEL: 'fatal', DRAIN_MS: '4000' });
    await rollcall.terminate('user-service');
    const database = new DatabaseSync(join(rollcall.dataDir, 'users.sqlite'));
    database.exec(`
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
    insert into users
    select i, 'User ' || i || hex(zeroblob(90)), 'user ' || i, '', '', -1, 1, 0, 0, 0, 0 from n`);
    database.close();
    await rollcall.restart('user-service');
    const accepts = ['text/event-stream', 'application/x-ndjson'];
    const open = await Promise.all(
      Array.from({ length: streams }, (_, index) => stoppedExport(rollcall, accepts[index % 2] ?? '')),
    );
    const start = performance.now();
    expect(await rollcall.stop()).toEqual([0, 0, 0]);
    const seconds = (performance.now() - start) / 1000;
    console.log(`ended in ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(10); // on a busy machine
    // None of them looks whole to its reader.
    for (const response of open) {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      if (!response.closed) await new Promise((resolve) => response.on('close', resolve));
      expect(text.endsWith('event: end\ndata: {}\n\n')).toBe(false);
      expect(response.headers['content-type'] === 'application/x-ndjson' && response.complete).toBe(false);
    }
  },
);
