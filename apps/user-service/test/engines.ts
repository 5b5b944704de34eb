/** Which engine the suite runs over: the embedded one, or with vitest.engines.ts a real PostgreSQL. */
import { inject } from 'vitest';
import { Client } from 'pg';

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of a database from which others are made; undefined for the embedded engine. */
    postgres?: string;
  }
}

export const testedEngine = inject('postgres') === undefined ? 'sqlite' : 'postgres';

let databases = 0;

/** Makes an empty database. @returns its URL */
export async function createPostgresDatabase(): Promise<string> {
  const url = new URL(inject('postgres') ?? '');
  const name = `suite_${process.pid}_${(databases += 1)}`;
  const client = new Client({ connectionString: url.href });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  url.pathname = `/${name}`;
  return url.href;
}
