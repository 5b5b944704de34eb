import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '@rollcall/test-servers';

/** An empty database of an engine, and how the service is told of it. */
export type Place = { readonly env: Readonly<Record<string, string>> } & (
  | { readonly engine: 'sqlite'; readonly file: string }
  | { readonly engine: 'postgres'; readonly url: string }
);

export type EngineName = Place['engine'];

/** Makes an empty database. */
export type MakePlace = (name: string) => Promise<Place>;

/**
 * Makes databases of an engine in a folder. PostgreSQL is started for it, and the stack ends it.
 *
 * @returns a sentence why there are none, when PostgreSQL is not installed
 */
export async function openEngine(
  engine: EngineName,
  folder: string,
  stack: AsyncDisposableStack,
): Promise<MakePlace | string> {
  if (engine === 'sqlite') {
    return (name) => {
      const dataDir = join(folder, name);
      mkdirSync(dataDir, { mode: 0o700 });
      return Promise.resolve({ engine, file: join(dataDir, 'users.sqlite'), env: { DATA_DIR: dataDir } });
    };
  }
  try {
    const postgres = stack.use(await startPostgres());
    return async () => {
      const url = await postgres.createDatabase();
      return { engine, url, env: { DATABASE_URL: url } };
    };
  } catch (error) {
    if (error instanceof Error && error.message.includes('not installed')) return `Not measured: ${error.message}.`;
    throw error;
  }
}
