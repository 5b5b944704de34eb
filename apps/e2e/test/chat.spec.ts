import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { firstValueFrom, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RoomReader, until } from './room-reader.ts';
import { ask, openRequest, type Rollcall, send, startRollcall } from './rollcall.ts';

let rollcall: Rollcall;
beforeAll(async () => {
  rollcall = await startRollcall();
}, 30_000);
afterAll(() => rollcall[Symbol.asyncDispose]());

let count = 0;

/** Creates a user. @returns the id */
async function newUser(name: string): Promise<string> {
  return String((await send(rollcall, 'POST', '/v1/users', { name })).json['id']);
}

function say(room: string, message = `note ${(count += 1)}`, more: object = {}) {
  return send(rollcall, 'POST', `/v1/rooms/${room}/notes`, { message, ...more });
}

/** Opens a stream, and reads its text until something stands in it. */
async function readUntil(path: string, found: RegExp, headers: Record<string, string> = {}) {
  const request = openRequest(rollcall, path, { headers: { accept: 'text/event-stream', ...headers } });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += String(chunk);
    if (found.test(text)) break;
  }
  request.destroy();
  return { text, headers: response.headers, status: response.statusCode };
}

test('a note of a user over REST is one over gRPC, and the tutorial’s', async () => {
  const ada = await newUser('Ada');
  const sent = await say('lobby', 'Hello', { authorId: ada, noteId: 'first' });
  expect(sent).toMatchObject({
    status: 200,
    json: { room: 'lobby', seq: '1', noteId: 'first', authorId: ada, authorName: 'Ada', message: 'Hello' },
  });
  expect((await say('lobby', 'Hello', { authorId: ada, noteId: 'first' })).json).toEqual(sent.json);
  await firstValueFrom(rollcall.tutorialChat.sendNote({ name: 'foo', message: 'Hi' }));
  const list = JSON.parse((await ask(rollcall, '/v1/rooms/lobby/notes')).text) as { notes: { message: string }[] };
  expect(list.notes.map(({ message }) => message)).toEqual(['Hi', 'Hello']);
  expect(await firstValueFrom(rollcall.tutorialChat.chatStream({}).pipe(take(2), toArray()))).toEqual([
    { name: 'Ada', message: 'Hello' },
    { name: 'foo', message: 'Hi' },
  ]);
  const rooms = JSON.parse((await ask(rollcall, '/v1/rooms')).text) as object;
  expect(rooms).toMatchObject({ rooms: [{ name: 'lobby', firstSeq: '1', lastSeq: '2' }] });
});

test('two of the tutorial’s clients and a reader over REST are in one conversation', async () => {
  const [one, two] = [0, 1].map(() => firstValueFrom(rollcall.tutorialChat.chatStream({}).pipe(take(5), toArray())));
  const reader = new RoomReader(rollcall.socketPath, 'lobby', 0);
  await firstValueFrom(rollcall.tutorialChat.sendNote({ name: 'one', message: 'a' }));
  await firstValueFrom(rollcall.tutorialChat.sendNote({ name: 'two', message: 'b' }));
  await say('lobby', 'c');
  const heard = [...((await one) ?? [])].map(({ name, message }) => `${name}: ${message}`).slice(-3);
  expect(heard).toEqual(['one: a', 'two: b', 'local administrator: c']);
  expect(await two).toEqual(await one);
  await until(() => reader.order.last === 5);
  expect(reader.order.faults).toBe('');
  reader.close();
});

test('a stream of events has the numbers of the notes as its ids, and goes on behind Last-Event-ID', async () => {
  for (const message of ['one', 'two', 'three']) await say('events', message);
  const path = '/v1/rooms/events/notes:stream';
  const whole = await readUntil(path, /CHECKPOINT/);
  expect(whole.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
  expect([...whole.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id)).toEqual(['1', '2', '3', '3']);
  const resumed = await readUntil(path, /CHECKPOINT/, { 'last-event-id': '2' });
  expect(resumed.text).not.toContain('"two"');
  expect(resumed.text).toContain('"three"');
  expect(await readUntil(`${path}?afterSeq=4`, /never/)).toMatchObject({
    status: 400,
    text: expect.stringContaining('"reason":"SEQ_UNKNOWN"'),
  });
  expect(await readUntil(path, /never/, { 'last-event-id': 'x' })).toMatchObject({
    status: 400,
    text: expect.stringContaining('Last-Event-ID'),
  });
});

test('who is in a room is told in its stream', async () => {
  const [ben, cleo] = [await newUser('Ben'), await newUser('Cleo')];
  const path = '/v1/rooms/present/notes:stream?presence=true';
  const first = readUntil(`${path}&presentAs=${ben}`, /Cleo/);
  const second = openRequest(rollcall, `${path}&presentAs=${cleo}`, { headers: { accept: 'text/event-stream' } });
  second.end();
  await once(second, 'response');
  expect((await first).text).toMatch(/"name":"Cleo","present":true,"joinTime":"20/);
  second.destroy();
});

test.each([
  ['message', { message: '' }],
  ['noteId', { message: 'x', noteId: 'a b' }],
  ['authorId', { message: 'x', authorId: '-1' }],
])('a wrong %s is named', async (field, body) => {
  const { status, json } = await send(rollcall, 'POST', '/v1/rooms/hall/notes', body);
  expect([status, JSON.stringify(json)]).toEqual([400, expect.stringContaining(field)]);
});

describe('a reader that stops', () => {
  test('is ended with the note to go on behind, while others have all', { timeout: 120_000 }, async () => {
    const request = openRequest(rollcall, '/v1/rooms/slow/notes:stream', { headers: { accept: 'text/event-stream' } });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'readable');
    const quick = new RoomReader(rollcall.socketPath, 'slow', 0);
    // Sockets and windows hold some megabytes of it.
    const message = '𐀀'.repeat(4000);
    for (let sent = 0; sent < 1500; sent += 50) {
      await Promise.all(Array.from({ length: 50 }, () => say('slow', message)));
      await until(() => quick.order.last >= sent + 50);
    }
    expect(quick.order.faults).toBe('');
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
    request.destroy();
    expect(text).toMatch(/event: error\ndata: .*"reason":"READER_TOO_SLOW"/);
    const last = Number([...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1]);
    expect(last).toBeLessThan(1500);
    const resumed = new RoomReader(rollcall.socketPath, 'slow', last);
    await until(() => resumed.order.last === 1500);
    expect(resumed.order.faults).toBe('');
    quick.close();
    resumed.close();
  });
});

test('a gateway that ends says bye, and when to come back', async () => {
  await using own = await startRollcall();
  const reader = new RoomReader(own.socketPath, 'hall', 0);
  await until(() => reader.caughtUp);
  expect(await own.terminate('gateway')).toBe(0);
  await until(() => reader.words.includes('bye'));
  await own.restart('gateway');
  await send(own, 'POST', '/v1/rooms/hall/notes', { message: 'back' });
  await until(() => reader.order.last === 1);
  reader.close();
});

test('a chat-service that ends loses nobody', async () => {
  await using own = await startRollcall();
  const reader = new RoomReader(own.socketPath, 'hall', 0);
  await until(() => reader.caughtUp);
  expect(await own.terminate('chat-service')).toBe(0);
  await until(() => reader.words.length > 0);
  await own.restart('chat-service');
  await send(own, 'POST', '/v1/rooms/hall/notes', { message: 'back' });
  await until(() => reader.order.last === 1);
  expect(reader.order.faults).toBe('');
  reader.close();
});
