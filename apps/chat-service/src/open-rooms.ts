import type { Config } from './config.ts';
import { ChatDatabase } from './log/chat-database.ts';
import { JetStreamLog } from './log/jetstream-log.ts';
import type { NoteLog } from './log/note-log.ts';
import { SqliteLog } from './log/sqlite-log.ts';
import { NatsLink } from './nats/nats-link.ts';
import { LocalPresence } from './presence/local-presence.ts';
import { NatsPresence } from './presence/nats-presence.ts';
import type { Presence } from './presence/presence.ts';

/** Where the notes are, and who is in the rooms. */
export interface Rooms {
  readonly log: NoteLog;
  readonly presence: Presence;
}

/** Opens the rooms. It waits for a NATS that is not there yet. @throws Error when they cannot be opened */
export async function openRooms({ dataDir, nats, retention, maxRooms }: Config): Promise<Rooms> {
  if (nats !== undefined) {
    const link = await NatsLink.open(nats);
    const { replicas, prefix } = nats;
    return {
      log: JetStreamLog.over(link, { retention, maxRooms, replicas, prefix }),
      presence: new NatsPresence(link, { replicas, prefix }),
    };
  }
  const database = await ChatDatabase.open(dataDir);
  return { log: await SqliteLog.over(database, { retention, maxRooms }), presence: new LocalPresence(database) };
}
