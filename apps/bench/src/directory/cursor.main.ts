// What the engine itself gives: a cursor over the live users, whose messages go to whoever connects to a unix socket.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import type { userService } from '@rollcall/proto';
import { Client } from 'pg';
import { messageOf, methodOf, type Person } from './people.ts';

/** How many users a message holds, as in an export of the service. */
const perMessage = 50;

/** How many rows PostgreSQL gives at a time. */
const perFetch = 1000;

const { codec } = methodOf('ExportUsers');
const columns = 'id, name, email, age, type, create_time_ms as "timeMs"';
const query = `select ${columns} from users where delete_time_ms = 0 order by id`;

/** Rows by id, some at a time. */
type Cursor = AsyncGenerator<Person[]>;

async function* sqliteRows(file: string): Cursor {
  const database = new DatabaseSync(file, { readOnly: true });
  let rows: Person[] = [];
  for (const row of database.prepare(query).iterate()) {
    rows.push(row as unknown as Person);
    if (rows.length < perMessage) continue;
    yield rows;
    rows = [];
  }
  yield rows;
  database.close();
}

async function* postgresRows(url: string): Cursor {
  const client = new Client({ connectionString: url, types: { getTypeParser: () => (text: string) => text } });
  await client.connect();
  await client.query(`begin; declare exported no scroll cursor for ${query}`);
  for (;;) {
    const { rows } = await client.query<Record<keyof Person, string>>(`fetch ${perFetch} from exported`);
    for (let start = 0; start < rows.length; start += perMessage)
      yield rows.slice(start, start + perMessage).map((row) => ({
        ...row,
        id: Number(row.id),
        age: Number(row.age),
        type: Number(row.type),
        timeMs: Number(row.timeMs),
      }));
    if (rows.length < perFetch) break;
  }
  await client.end();
}

async function send(rows: Cursor, socket: Socket): Promise<void> {
  for await (const some of rows) {
    const message: userService.ExportUsersResponse = { users: some.map(messageOf), watchToken: '' };
    const bytes = codec.encodeResponse(message);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length);
    socket.write(head);
    if (!socket.write(bytes)) await once(socket, 'drain');
  }
  socket.end();
}

const { SQLITE_FILE: file = '', DATABASE_URL: url = '', LISTEN: listen = '' } = process.env;
const server = createServer((socket) => {
  socket.on('error', () => undefined); // a reader that goes away
  void send(file === '' ? postgresRows(url) : sqliteRows(file), socket);
});
server.listen(listen);
process.on('SIGTERM', () => process.exit(0));
