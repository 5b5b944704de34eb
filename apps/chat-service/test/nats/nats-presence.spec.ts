import { chat } from '@rollcall/proto';
import { type Nats, startNats } from '@rollcall/test-servers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { NatsPresence } from '../../src/presence/nats-presence.ts';
import type { NatsLink } from '../../src/nats/nats-link.ts';
import { presenceSuite, presentNames, type TestedPresence, watchLobby } from '../presence/presence-suite.ts';
import { connectTo } from './nats-logs.ts';

const { KIND_PRESENT } = chat.RoomEvent_Kind;

/** How long NATS is away, in milliseconds. */
const outageMs = Number(process.env['OUTAGE_MS'] ?? 2000);

const ada = { id: '1', name: 'Ada' };
const grace = { id: '2', name: 'Grace' };

let nats: Nats;
let prefixes = 0;

beforeAll(async () => {
  nats = await startNats();
});

afterAll(() => nats[Symbol.asyncDispose]());

interface Replica {
  readonly presence: NatsPresence;
  readonly link: NatsLink;
}

/** Replicas over a server that others may use too. Each has a connection of its own. */
async function startPresence(server = nats): Promise<TestedPresence & { openReplica(): Promise<Replica> }> {
  const prefix = `test-${process.pid}-${(prefixes += 1)}`;
  const opened: Replica[] = [];
  const openReplica = async (): Promise<Replica> => {
    const link = await connectTo(server.url);
    const lobby = { name: `${prefix}-notes-lobby`, subjects: [`${prefix}.notes.lobby`] };
    await link.askPlainly(({ jsm }) => jsm.streams.add(lobby));
    const replica = { link, presence: new NatsPresence(link, { replicas: 1, prefix }) };
    opened.push(replica);
    return replica;
  };
  const close = async (): Promise<void> => {
    for (const { presence, link } of opened.splice(0)) {
      await presence.close();
      await link.close();
    }
  };
  return Promise.resolve({
    openReplica,
    open: async () => (await openReplica()).presence,
    async restart() {
      await close();
      return (await openReplica()).presence;
    },
    [Symbol.asyncDispose]: close,
  });
}

presenceSuite(startPresence);

test('knows at once whom the replicas have that were there before', async () => {
  await using rooms = await startPresence();
  const [one, two] = [await rooms.open(), await rooms.open()];
  one.enter('lobby', ada);
  two.enter('lobby', grace);
  const three = await rooms.open();
  await vi.waitFor(async () => expect(await presentNames(three)).toEqual(['Ada', 'Grace']), 1500);
});

test(
  'a replica that dies without a word: its users leave within 10 s, and were seen',
  { timeout: 30_000 },
  async () => {
    await using rooms = await startPresence();
    const { presence, link } = await rooms.openReplica();
    const other = await rooms.open();
    const { told } = watchLobby(other);
    presence.enter('lobby', ada);
    await vi.waitFor(() => expect(told).toEqual(['Ada came']), 5000);
    await link.close();
    await vi.waitFor(() => expect(told).toEqual(['Ada came', 'Ada left']), { timeout: 11_000, interval: 50 });
    await vi.waitFor(async () => {
      const third = await rooms.open();
      expect(await third.members('lobby')).toMatchObject([{ name: 'Ada', present: false }]);
    }, 5000);
  },
);

test('a replica that ends tells the others', async () => {
  await using rooms = await startPresence();
  const [one, two] = [await rooms.open(), await rooms.open()];
  const { told } = watchLobby(two);
  one.enter('lobby', ada);
  await vi.waitFor(() => expect(told).toEqual(['Ada came']), 5000);
  await one.close();
  await vi.waitFor(() => expect(told).toEqual(['Ada came', 'Ada left']), 2000);
});

test(
  `while NATS is away for ${outageMs / 1000} s everybody stays, and then it is told who is there`,
  { timeout: 60_000 + outageMs },
  async () => {
    await using server = await startNats();
    await using rooms = await startPresence(server);
    const [one, two] = [await rooms.open(), await rooms.open()];
    const { told, changes } = watchLobby(two);
    one.enter('lobby', { id: '3', name: 'Edsger' });
    const leave = one.enter('lobby', ada);
    await vi.waitFor(() => expect(told.toSorted()).toEqual(['Ada came', 'Edsger came']), 5000);
    await server.kill();
    leave();
    one.enter('lobby', grace);
    await new Promise((resolve) => setTimeout(resolve, outageMs));
    expect(await presentNames(two)).toEqual(['Ada', 'Edsger']);
    expect(told).toHaveLength(2);
    await server.start();
    await vi.waitFor(() => expect(changes.at(-1)?.kind).toBe(KIND_PRESENT), 8000);
    await vi.waitFor(() => expect(told.slice(2).toSorted()).toEqual(['Ada left', 'Edsger came', 'Grace came']), 8000);
  },
);

test('a message that was lost is noticed by the next one', async () => {
  await using rooms = await startPresence();
  const { link } = await rooms.openReplica();
  const speaking = await connectTo(nats.url);
  const subscribe = link.subscribe.bind(link);
  let [loses, lost] = [false, 0];
  link.subscribe = (subject, hear) =>
    subscribe(subject, (message) => {
      if (loses && message.string().includes('"change"')) {
        lost += 1;
        loses = false;
      } else hear(message);
    });
  const deaf = new NatsPresence(link, { replicas: 1, prefix: 'deaf' });
  const other = new NatsPresence(speaking, { replicas: 1, prefix: 'deaf' });
  const leave = other.enter('lobby', grace);
  await vi.waitFor(async () => expect(await presentNames(deaf)).toEqual(['Grace']), 5000);
  loses = true;
  leave();
  await vi.waitFor(() => expect(lost).toBe(1), 5000);
  await vi.waitFor(async () => expect(await presentNames(deaf)).toEqual([]), 5000);
  await Promise.all([deaf.close(), other.close()]);
  await speaking.close();
});

test('keeps who was in a room that was made anew behind a deletion', async () => {
  const link = await connectTo(nats.url);
  await link.ask(({ jsm }) => jsm.streams.add({ name: 'anew-notes-lobby_4', subjects: ['anew.notes.lobby'] }));
  const before = new NatsPresence(link, { replicas: 1, prefix: 'anew' });
  before.enter('lobby', ada)();
  const query = { last_by_subj: `anew.seen.lobby.*` };
  await vi.waitFor(
    async () => expect(await link.ask(({ jsm }) => jsm.streams.getMessage('anew-seen', query))).not.toBeNull(),
    5000,
  );
  await before.close();
  const after = new NatsPresence(link, { replicas: 1, prefix: 'anew' });
  expect(await after.members('lobby')).toMatchObject([{ name: 'Ada', present: false }]);
  await after.close();
  await link.close();
});
