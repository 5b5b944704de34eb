import { startNatsCluster } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { disorderOf, followRoom, inOrder } from '../notes/told.ts';
import { startLogs } from './nats-logs.ts';
import { sendOn } from './senders.ts';

test(
  'a cluster whose servers are killed one after the other: every acknowledged note is there once, and told once in order',
  { timeout: 120_000 },
  async () => {
    await using cluster = await startNatsCluster();
    const url = cluster.servers.map((server) => server.url).join(',');
    await using logs = await startLogs({ url }, 3);
    const replicas = [await logs.open(), await logs.open(), await logs.open()] as const;
    const stop = new AbortController();
    const sending = replicas.map((log) => sendOn(log, 'lobby', stop.signal));
    const first = await followRoom(replicas[0]);
    const followers = [first, await followRoom(replicas[1]), await followRoom(replicas[2])];
    await first.reach(100);
    for (const server of cluster.servers) {
      await server.kill();
      // The two that are left agree on a leader, and go on.
      await first.reach(Number(first.notes.at(-1)?.seq) + 200);
      await server.start();
      await first.reach(Number(first.notes.at(-1)?.seq) + 200);
    }
    stop.abort();
    const sent = await Promise.all(sending);
    const last = Math.max(...sent.flatMap(({ acknowledged }) => [...acknowledged.values()].map(Number)));
    for (const told of followers) {
      await told.reach(last);
      expect(disorderOf(told.notes, told.following.from + 1, Number(told.notes.at(-1)?.seq))).toEqual(inOrder);
      const kept = new Map(told.notes.map(({ noteId, seq }) => [noteId, seq]));
      expect(kept.size).toBe(told.notes.length);
      for (const { acknowledged } of sent)
        expect(
          [...acknowledged].filter(([id, seq]) => Number(seq) > told.following.from && kept.get(id) !== seq),
        ).toEqual([]);
    }
  },
);
