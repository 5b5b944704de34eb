import { startNatsCluster } from '@rollcall/test-servers';
import { afterAll, beforeAll } from 'vitest';
import { logSuite } from '../log/log-suite.ts';
import { startLogs } from './nats-logs.ts';

let cluster: Awaited<ReturnType<typeof startNatsCluster>>;

beforeAll(async () => {
  cluster = await startNatsCluster();
});

afterAll(() => cluster[Symbol.asyncDispose]());

logSuite(() => startLogs({ url: cluster.servers.map(({ url }) => url).join(',') }, 3));
