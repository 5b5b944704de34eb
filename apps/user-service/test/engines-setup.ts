import { startPostgres } from '@rollcall/test-servers';
import type { TestProject } from 'vitest/node';

/** Starts a real PostgreSQL for all files of the suite. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres();
  project.provide('postgres', await postgres.createDatabase());
  return async () => {
    await postgres[Symbol.asyncDispose]();
  };
}
