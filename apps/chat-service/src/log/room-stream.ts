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

/** Lets a stream take nothing more. @returns its last state; undefined when it is gone */
export async function seal(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    const { config } = await jsm.streams.info(name);
    // The type of what can be changed does not know of it.
    const sealed: StreamConfig = { ...config, sealed: true };
    if (!config.sealed) await jsm.streams.update(name, sealed);
    return await jsm.streams.info(name);
  } catch (error) {
    if (isStreamNotFound(error)) return undefined;
    throw error;
  }
}
