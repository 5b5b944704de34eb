import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatDatabase } from '../src/log/chat-database.ts';
import { SqliteLog } from '../src/log/sqlite-log.ts';
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
