import type { Config } from './config.ts';
import { ChatDatabase } from './log/chat-database.ts';
import type { NoteLog } from './log/note-log.ts';
import { SqliteLog } from './log/sqlite-log.ts';
import { LocalPresence } from './presence/local-presence.ts';
import type { Presence } from './presence/presence.ts';

/** Where the notes are, and who is in the rooms. */
export interface Rooms {
  readonly log: NoteLog;
  readonly presence: Presence;
}

/** Opens the rooms. @throws Error when they cannot be opened */
export async function openRooms({ dataDir, retention, maxRooms }: Config): Promise<Rooms> {
  const database = await ChatDatabase.open(dataDir);
  return { log: await SqliteLog.over(database, { retention, maxRooms }), presence: new LocalPresence(database) };
}
