import { startNats } from '@rollcall/test-servers';
import type { TestProject } from 'vitest/node';

/** Starts a real NATS server for all files of the suite. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const nats = await startNats();
  project.provide('nats', nats.url);
  return async () => {
    await nats[Symbol.asyncDispose]();
  };
}
