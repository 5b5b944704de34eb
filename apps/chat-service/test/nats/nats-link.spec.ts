import { startNats } from '@rollcall/test-servers';
import { expect, test, vi } from 'vitest';
import { connectTo } from './nats-logs.ts';

test('waits for a server that is not there yet', async () => {
  await using nats = await startNats();
  await nats.kill();
  const opening = connectTo(nats.url);
  const early = await Promise.race([opening, new Promise((resolve) => setTimeout(resolve, 300, 'waiting'))]);
  expect(early).toBe('waiting');
  await nats.start();
  const link = await opening;
  expect(link.isConnected).toBe(true);
  await link.close();
  expect(link.isConnected).toBe(false);
});

test('signs in with the user and password of the URL', async () => {
  await using nats = await startNats({ config: 'authorization { user: ada, password: "p@ss:word" }' });
  const link = await connectTo(nats.url.replace('//', '//ada:p%40ss%3Aword@'));
  expect(await link.ask(({ jsm }) => jsm.getAccountInfo())).toBeDefined();
  await link.close();
});

test('does not start when the server refuses us, and does not say with what we tried', async () => {
  await using nats = await startNats({ config: 'authorization { user: ada, password: right }' });
  for (const url of [nats.url.replace('//', '//ada:guessed@'), nats.url]) {
    const outcome = await connectTo(url).then(
      () => 'it started',
      (error: unknown) => String(error),
    );
    expect(outcome).toMatch(/^Error: NATS_URL: /);
    expect(outcome).not.toMatch(/guessed/);
  }
});

test('does not start unencrypted where the URL asks for encryption', async () => {
  await using nats = await startNats();
  await expect(connectTo(nats.url.replace('nats:', 'tls:'))).rejects.toThrow(/^NATS_URL: .*tls/);
});

test('does not start over a single server that should be a cluster', async () => {
  await using nats = await startNats();
  await expect(connectTo(nats.url, 3)).rejects.toThrow(/NATS_REPLICAS=3/);
});

test('asks again what nobody has answered, and not for ever', async () => {
  await using nats = await startNats();
  const link = await connectTo(nats.url);
  const asked: string[] = [];
  link.subscribe('*.leader', (message) => {
    asked.push(message.subject);
    if (message.subject === 'new.leader' && asked.length === 3) message.respond('here');
  });
  const ask = (subject: string) =>
    link.askUntilAnswered(() => link.askPlainly((connected) => connected.nats.request(subject, '', { timeout: 50 })));
  expect((await ask('new.leader')).string()).toBe('here');
  expect(asked).toHaveLength(3);
  await expect(ask('no.leader')).rejects.toMatchObject({ reason: 'LOG_UNAVAILABLE' });
  expect(asked.length).toBeGreaterThan(10);
  await link.close();
});

test('goes to another server of the URL when one is away', async () => {
  await using one = await startNats();
  await using two = await startNats();
  await one.kill();
  const link = await connectTo(`${one.url},${two.url}`);
  expect(link.isConnected).toBe(true);
  await two.kill();
  await vi.waitFor(() => expect(link.isConnected).toBe(false), 5000);
  await one.start();
  await vi.waitFor(() => expect(link.isConnected).toBe(true), 5000);
  await link.close();
});

test('hears over every connection, though a listener throws', async () => {
  await using nats = await startNats();
  const [link, other] = [await connectTo(nats.url), await connectTo(nats.url)];
  const heard: string[] = [];
  const stop = link.subscribe('news', (message) => {
    heard.push(message.string());
    throw new Error('the listener is at fault');
  });
  const say = (text: string) => () => {
    other.publish('news', new TextEncoder().encode(text));
    expect(heard.at(-1)).toBe(text);
  };
  await vi.waitFor(say('one'), 5000);
  await vi.waitFor(say('two'), 5000);
  await link.ask(({ nats: connection }) => connection.close());
  await vi.waitFor(say('three'), 5000);
  stop();
  const count = heard.length;
  other.publish('news', new TextEncoder().encode('four'));
  await other.ask(({ nats: connection }) => connection.flush());
  await link.ask(({ nats: connection }) => connection.flush());
  expect(heard).toHaveLength(count);
  await Promise.all([link.close(), other.close()]);
});

test('ends while it is on the way to a server that is away', async () => {
  await using nats = await startNats();
  const link = await connectTo(nats.url);
  await nats.kill();
  await vi.waitFor(() => expect(link.isConnected).toBe(false), 5000);
  await link.close();
});
