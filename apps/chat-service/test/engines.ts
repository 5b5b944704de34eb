/** Which log the service runs over: the embedded one, or with vitest.engines.ts a real NATS server. */
import { hash } from 'node:crypto';
import type { Environment } from '@rollcall/environment';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of a server; undefined for the embedded log. */
    nats?: string;
  }
}

/** The variables of a service whose rooms, like those of the embedded log, are its own and belong to a directory. */
export function testedNats(dataDir: string): Environment {
  const url = inject('nats');
  return url === undefined ? {} : { NATS_URL: url, NATS_PREFIX: hash('sha1', dataDir).slice(0, 12) };
}
