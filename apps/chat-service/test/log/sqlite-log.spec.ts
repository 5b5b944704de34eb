import { chat } from '@rollcall/proto';
import { makeDirectory } from '@rollcall/test-servers';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatDatabase } from '../../src/log/chat-database.ts';
import { SqliteLog } from '../../src/log/sqlite-log.ts';
import { read, sendMany, startChat } from '../service.ts';
import { logSuite, type TestedLogs } from './log-suite.ts';

/** The embedded log has one process, and is one for all who open it until they close it. */
async function startLogs(): Promise<TestedLogs> {
  const folder = mkdtempSync(join(tmpdir(), 'sqlite-log-'));
  let opened: SqliteLog | undefined;
  return Promise.resolve({
    async open({ retention, maxRooms = 10_000 } = {}) {
      if (opened !== undefined) return opened;
      const database = await ChatDatabase.open(folder);
      const log = await SqliteLog.over(database, {
        retention: { maxAgeMs: undefined, maxNotes: undefined, ...retention },
        maxRooms,
      });
      const close = log.close.bind(log);
      opened = Object.assign(log, {
        close: async () => {
          opened = undefined;
          await close();
        },
      });
      return opened;
    },
    expire: async (log) => {
      if (log instanceof SqliteLog) await log.remove();
    },
    async [Symbol.asyncDispose]() {
      await opened?.close();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

logSuite(startLogs);

test('leaves out notes that were kept when they could be larger than a message, so that the room can be read', async () => {
  using folder = makeDirectory();
  const dataDir = folder.path;
  {
    await using before = await startChat({ dataDir });
    await sendMany(before, 5);
  }
  const database = await ChatDatabase.open(dataDir);
  const large = '\u{1f600}'.repeat(2_000_000);
  await database.write([
    { sql: 'update notes set message = ? where seq = ?', rows: [2, 5].map((seq) => [large, seq]) },
    { sql: 'update notes set author_name = ? where seq = ?', rows: [[large, 3]] },
  ]);
  await database.close();
  await using service = await startChat({ dataDir });
  const request = { room: 'hall', pageSize: 0, pageToken: '', beforeSeq: '0' };
  const { notes, nextPageToken } = await firstValueFrom(service.chat.listNotes(request));
  expect([notes.map(({ seq }) => seq), nextPageToken]).toEqual([['4', '1'], '']);
  using reader = read(service, { afterSeq: '0' });
  await reader.until((events) => events.some(({ kind }) => kind === chat.RoomEvent_Kind.KIND_CHECKPOINT));
  expect(reader.events.map(({ seq, gap }) => [seq, gap?.firstSeq])).toEqual([
    ['1', undefined],
    ['3', '2'],
    ['4', undefined],
    ['5', '5'],
    ['5', undefined],
  ]);
});
