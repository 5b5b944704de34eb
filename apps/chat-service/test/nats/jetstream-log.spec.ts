import { type Nats, startNats } from '@rollcall/test-servers';
import { afterAll, beforeAll } from 'vitest';
import { logSuite } from '../log/log-suite.ts';
import { startLogs } from './nats-logs.ts';

let nats: Nats;

beforeAll(async () => {
  nats = await startNats();
});

afterAll(() => nats[Symbol.asyncDispose]());

logSuite(() => startLogs(nats));
