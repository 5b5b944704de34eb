import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { openBulkLoader } from './bulk-load.ts';
import type { Place } from './engines.ts';
import { personOf } from './people.ts';

const batch = 1000;

/**
 * Fills the tables that the service has made with the users 1 to `count`. The indexes are taken away meanwhile, which
 * makes it several times as fast.
 */
export async function fill(place: Place, count: number, signal: AbortSignal): Promise<void> {
  const run = place.engine === 'sqlite' ? sqliteStatements(place.file) : await postgresStatements(place.url);
  const indexes = await run(
    place.engine === 'sqlite'
      ? `select name, sql from sqlite_master where tbl_name = 'users' and type = 'index' and sql is not null`
      : `select indexname as name, indexdef as sql from pg_indexes where tablename = 'users' and indexname <> 'users_pkey'`,
  );
  for (const { name } of indexes) await run(`drop index ${name}`);
  {
    await using loader = await openBulkLoader(place);
    for (let first = 1; first <= count; first += batch) {
      signal.throwIfAborted();
      const people = Array.from({ length: Math.min(batch, count - first + 1) }, (_, index) => personOf(first + index));
      await loader.load(people, false);
    }
  }
  for (const { sql } of indexes) await run(sql ?? '');
  await run(`update counters set value = ${count + 1} where name = 'user_id'`);
  await run(place.engine === 'sqlite' ? 'pragma wal_checkpoint(truncate)' : 'vacuum (analyze)');
}

type Run = (statement: string) => Promise<Record<string, string>[]>;

function sqliteStatements(file: string): Run {
  return (statement) => {
    const database = new DatabaseSync(file);
    try {
      database.exec('pragma cache_size = -262144');
      return Promise.resolve(database.prepare(statement).all() as Record<string, string>[]);
    } finally {
      database.close();
    }
  };
}

async function postgresStatements(url: string): Promise<Run> {
  return async (statement) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, string>>(statement)).rows;
    } finally {
      await client.end();
    }
  };
}
