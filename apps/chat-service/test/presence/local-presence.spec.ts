import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatDatabase } from '../../src/log/chat-database.ts';
import { LocalPresence } from '../../src/presence/local-presence.ts';
import { presenceSuite, type TestedPresence } from './presence-suite.ts';

async function startPresence(): Promise<TestedPresence> {
  const folder = mkdtempSync(join(tmpdir(), 'local-presence-'));
  const openIn = async () => {
    const database = await ChatDatabase.open(folder);
    await database.exclusively(() =>
      database.write([{ sql: 'insert or ignore into rooms values (?, 1, 1)', rows: [['lobby']] }]),
    );
    return { database, presence: new LocalPresence(database) };
  };
  let opened = await openIn();
  const close = async (): Promise<void> => {
    await opened.presence.close();
    await opened.database.close();
  };
  return {
    open: () => Promise.resolve(opened.presence),
    async restart() {
      await close();
      opened = await openIn();
      return opened.presence;
    },
    async [Symbol.asyncDispose]() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

presenceSuite(startPresence);
