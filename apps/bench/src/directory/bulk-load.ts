import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import type { Place } from './engines.ts';
import { columnNames, columnsOf, loggedUser, type Person } from './people.ts';

/** Loads rows as fast as an engine takes them through its driver, durably. */
export interface BulkLoader extends AsyncDisposable {
  /** Loads users in a transaction. @param withLog whether the change log is written too, as the service does */
  load(people: readonly Person[], withLog: boolean): Promise<void>;
}

/** Opens the tables that the service has made; it must not run. */
export async function openBulkLoader(place: Place): Promise<BulkLoader> {
  return place.engine === 'sqlite' ? sqliteLoader(place.file) : await postgresLoader(place.url);
}

const kindCreated = 2;
const nothing = Buffer.alloc(0);

/** What stands in `changes`: seq, kind, before, after, commit_time_ms. */
function changeOf(person: Person): [number, number, Buffer, Buffer, number] {
  return [person.id, kindCreated, nothing, loggedUser(person), Date.now()];
}

/** A prepared insert in transactions, under the pragmas of the service. */
function sqliteLoader(file: string): BulkLoader {
  const database = new DatabaseSync(file);
  database.exec('pragma locking_mode = exclusive; begin exclusive; commit; pragma journal_mode = wal');
  database.exec('pragma synchronous = full; pragma cache_size = -65536');
  const insert = database.prepare(`insert into users values (${columnNames.map(() => '?').join(', ')})`);
  const log = database.prepare('insert into changes values (?, ?, ?, ?, ?)');
  return {
    load(people, withLog) {
      database.exec('begin');
      for (const person of people) insert.run(...columnsOf(person));
      if (withLog) for (const person of people) log.run(...changeOf(person));
      database.exec('commit');
      return Promise.resolve();
    },
    [Symbol.asyncDispose]() {
      database.close();
      return Promise.resolve();
    },
  };
}

/** `insert … select from unnest`: PostgreSQL's quickest insert with values of the caller, short of COPY. */
async function postgresLoader(url: string): Promise<BulkLoader> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const types = ['int8', 'text', 'text', 'text', 'text', 'int8', 'int8', 'int8', 'int8', 'int8', 'int8'];
  const users = { name: 'users', text: `insert into users select * from unnest(${arrays(types)})` };
  const changes = {
    name: 'changes',
    text: `insert into changes select * from unnest(${arrays(['int8', 'int8', 'bytea', 'bytea', 'int8'])})`,
  };
  return {
    async load(people, withLog) {
      if (withLog) await client.query('begin');
      await client.query({ ...users, values: turned(people.map(columnsOf)) });
      if (!withLog) return;
      await client.query({ ...changes, values: turned(people.map(changeOf)) });
      await client.query('commit');
    },
    async [Symbol.asyncDispose]() {
      await client.end();
    },
  };
}

function arrays(types: readonly string[]): string {
  return types.map((type, index) => `$${index + 1}::${type}[]`).join(', ');
}

/** Columns of rows. */
function turned<T>(rows: readonly (readonly T[])[]): T[][] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] as T));
}
