import type { Nats } from '@rollcall/test-servers';
import { JetStreamLog, type JetStreamLogOptions } from '../../src/log/jetstream-log.ts';
import { readNats } from '../../src/nats/nats-environment.ts';
import { NatsLink } from '../../src/nats/nats-link.ts';
import type { TestedLogs } from '../log/log-suite.ts';

let prefixes = 0;

/** A replica of chat-service as far as NATS goes. */
export interface NatsLogs extends TestedLogs {
  readonly prefix: string;
  openReplica(options?: Partial<JetStreamLogOptions>): Promise<{ readonly log: JetStreamLog; readonly link: NatsLink }>;
}

/** Connects to a server of a test. */
export async function connectTo(url: string, replicas = 1): Promise<NatsLink> {
  const config = readNats({ NATS_URL: url, NATS_REPLICAS: String(replicas) });
  if (config === undefined) throw new Error('there is no URL');
  return NatsLink.open(config);
}

/** Logs over a server that others may use too. Each has a connection of its own. */
export async function startLogs(nats: Pick<Nats, 'url'>, replicas = 1): Promise<NatsLogs> {
  const prefix = `test-${process.pid}-${(prefixes += 1)}`;
  const opened: { log: JetStreamLog; link: NatsLink }[] = [];
  const openReplica: NatsLogs['openReplica'] = async (options = {}) => {
    const link = await connectTo(nats.url, replicas);
    const retention = { maxAgeMs: undefined, maxNotes: undefined };
    const log = JetStreamLog.over(link, { retention, maxRooms: 10_000, replicas, prefix, ...options });
    opened.push({ log, link });
    return { log, link };
  };
  return Promise.resolve({
    prefix,
    openReplica,
    open: async ({ retention, maxRooms = 10_000 } = {}) =>
      (await openReplica({ maxRooms, retention: { maxAgeMs: undefined, maxNotes: undefined, ...retention } })).log,
    expire: () => Promise.resolve(), // the server does it at once
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map(({ log }) => log.close()));
      await Promise.all(opened.map(({ link }) => link.close()));
    },
  });
}
