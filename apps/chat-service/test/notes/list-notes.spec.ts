import { status as Status } from '@grpc/grpc-js';
import type { chat } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChatService, failure, range, send, sendMany, startChat } from '../service.ts';

let service: ChatService;
beforeAll(async () => {
  service = await startChat();
  await sendMany(service, 120);
});
afterAll(() => service[Symbol.asyncDispose]());

function list(request: Partial<chat.ListNotesRequest> = {}): Promise<chat.ListNotesResponse> {
  return firstValueFrom(
    service.chat.listNotes({ room: 'hall', pageSize: 0, pageToken: '', beforeSeq: '0', ...request }),
  );
}

async function pages(request: Partial<chat.ListNotesRequest>): Promise<number[][]> {
  const found: number[][] = [];
  for (let pageToken = ''; ;) {
    const page = await list({ ...request, pageToken });
    found.push(page.notes.map(({ seq }) => Number(seq)));
    pageToken = page.nextPageToken;
    if (pageToken === '') return found;
  }
}

test('lists backwards, in pages', async () => {
  expect(await pages({})).toEqual([range(71, 120).toReversed(), range(21, 70).toReversed(), range(1, 20).toReversed()]);
  expect(await pages({ beforeSeq: '31', pageSize: 20 })).toEqual([
    range(11, 30).toReversed(),
    range(1, 10).toReversed(),
  ]);
  expect(await pages({ pageSize: 1_000_000 })).toEqual([range(1, 120).toReversed()]);
});

test('goes on where the page before ended, though notes have come since', async () => {
  const first = await list({ room: 'busy' });
  expect(first).toEqual({ notes: [], nextPageToken: '' });
  await sendMany(service, 4, 'busy');
  const page = await list({ room: 'busy', pageSize: 2 });
  await sendMany(service, 4, 'busy');
  const next = await list({ room: 'busy', pageSize: 2, pageToken: page.nextPageToken });
  expect(next.notes.map(({ seq }) => seq)).toEqual(['2', '1']);
});

test('has large notes whole in one page', async () => {
  const message = '𐀀'.repeat(4096);
  for (const _ of range(1, 60)) await send(service, { room: 'large', message });
  const { notes } = await list({ room: 'large', pageSize: 60 });
  expect(notes.map(({ seq }) => Number(seq))).toEqual(range(1, 60).toReversed());
});

test.each([
  ['pageToken', 'no token'],
  ['pageToken', Buffer.from('[5,"hall","7"]').toString('base64url')],
  ['pageToken', Buffer.from('[5,"other","0"]').toString('base64url')],
  ['pageToken', Buffer.from('[-5,"hall","0"]').toString('base64url')],
])('refuses a page token that is none of this query', async (field, value) => {
  expect(await failure(list({ [field]: value }))).toMatchObject({
    code: Status.INVALID_ARGUMENT,
    details: { violations: [{ field: 'page_token' }] },
  });
});

test('refuses a page of negative size', async () => {
  expect(await failure(list({ pageSize: -1 }))).toMatchObject({ details: { violations: [{ field: 'page_size' }] } });
});

test('lists rooms by name, in pages, each with its last note', async () => {
  await using rooms = await startChat();
  await sendMany(rooms, 2, 'beta');
  await sendMany(rooms, 1, 'alpha');
  await sendMany(rooms, 3, 'gamma');
  const page = await firstValueFrom(rooms.chat.listRooms({ pageSize: 2, pageToken: '' }));
  expect(page.rooms.map(({ name, firstSeq, lastSeq }) => [name, firstSeq, lastSeq])).toEqual([
    ['alpha', '1', '1'],
    ['beta', '1', '2'],
  ]);
  const next = await firstValueFrom(rooms.chat.listRooms({ pageSize: 2, pageToken: page.nextPageToken }));
  expect(next).toEqual({ rooms: [expect.objectContaining({ name: 'gamma', lastSeq: '3' })], nextPageToken: '' });
});

test('ends a page early that would be larger than a message, and leads over all notes all the same', async () => {
  const largest = '\u{1f600}'.repeat(4096);
  await Promise.all(Array.from({ length: 300 }, () => send(service, { room: 'largest', message: largest })));
  const found = await pages({ room: 'largest', pageSize: 500 });
  expect(found.flat()).toEqual(range(1, 300).toReversed());
  expect(found.length).toBeGreaterThan(4);
});
