import { setTimeout as delay } from 'node:timers/promises';
import type { JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { isStreamNotFound } from '../nats/nats-errors.ts';
import type { Bounds } from './note-log.ts';

/**
 * The number of the deletion that a stream follows, which its name ends with; 0 when there was none. The number of a note is
 * this one and that of its message. Names of rooms have no `_`.
 */
export function startOf(stream: string): number {
  return Number(/_(\d+)$/.exec(stream)?.[1] ?? 0);
}

/** Which notes of a stream are kept. */
export function boundsOf({ config, state }: StreamInfo): Bounds {
  const start = startOf(config.name);
  const { messages, first_seq, last_seq } = state;
  return { first: start + (messages === 0 ? last_seq + 1 : Math.max(first_seq, 1)), last: start + last_seq };
}

/** The name of the stream that takes a subject; undefined when there is none. */
export async function findStream(jsm: JetStreamManager, subject: string): Promise<string | undefined> {
  for await (const name of jsm.streams.names(subject)) return name;
  return undefined;
}

/** How long a stream has to stand still once it is sealed, in milliseconds. */
const stillMs = 100;

/** How many numbers are left out behind a deletion in a cluster. */
const sparedInCluster = 1000;

/**
 * Lets a stream take nothing more. In a cluster, what its servers were agreeing on at that moment is kept all the same, and
 * acknowledged: 2.9 looks at the seal only before. So it has to stand still, and numbers are spared for what is later still.
 *
 * @returns the number that stands for its deletion, behind all that its notes may have; undefined when it is gone
 */
export async function seal(jsm: JetStreamManager, name: string): Promise<number | undefined> {
  try {
    const { config } = await jsm.streams.info(name);
    // The type of what can be changed does not know of it.
    const sealed: StreamConfig = { ...config, sealed: true };
    if (!config.sealed) await jsm.streams.update(name, sealed);
    let { last } = boundsOf(await jsm.streams.info(name));
    if (config.num_replicas === 1) return last + 1;
    for (let before = -1; before !== last;) {
      await delay(stillMs);
      before = last;
      last = boundsOf(await jsm.streams.info(name)).last;
    }
    return last + 1 + sparedInCluster;
  } catch (error) {
    if (isStreamNotFound(error)) return undefined;
    throw error;
  }
}
