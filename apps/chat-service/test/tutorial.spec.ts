import { status as Status } from '@grpc/grpc-js';
import { user } from '@rollcall/proto';
import { firstValueFrom, take, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { failure, read, send, startChat } from './service.ts';

test('the tutorial’s clients and all others are in one room', async () => {
  await using service = await startChat();
  await send(service, { room: 'lobby', message: 'first', authorId: '2' });
  const heard = firstValueFrom(service.tutorial.chatStream({}).pipe(take(3), toArray()));
  using reader = read(service, { room: 'lobby' });
  await firstValueFrom(service.tutorial.sendNote({ name: 'foo', message: 'second' }));
  await send(service, { room: 'lobby', message: 'third', authorId: '3' });
  expect(await heard).toEqual([
    { name: 'Ben', message: 'first' },
    { name: 'foo', message: 'second' },
    { name: 'Cleo', message: 'third' },
  ]);
  await reader.until(() => reader.seqs().length === 3);
  expect(reader.events.find(({ seq, note }) => seq === '2' && note !== null)?.note).toMatchObject({
    authorId: '0',
    authorName: 'foo',
    message: 'second',
  });
});

test('a stream of the tutorial begins with the whole history', async () => {
  await using service = await startChat();
  for (let index = 0; index < 130; index += 1) await send(service, { room: 'lobby', message: `note ${index}` });
  const heard = await firstValueFrom(service.tutorial.chatStream({}).pipe(take(130), toArray()));
  expect(heard.map(({ message }) => message)).toEqual(Array.from({ length: 130 }, (_, index) => `note ${index}`));
});

test.each([
  ['message', { name: 'foo', message: '' }],
  ['message', { name: 'foo', message: 'x'.repeat(4097) }],
  ['name', { name: 'x'.repeat(201), message: 'x' }],
])('names the field %s when it is too short or too long', async (field, note) => {
  await using service = await startChat();
  expect(await failure(service.tutorial.sendNote(note))).toMatchObject({
    code: Status.INVALID_ARGUMENT,
    details: { violations: [{ field }] },
  });
});

test('where users sign in, the tutorial’s clients act as the user that is named for them', async () => {
  await using service = await startChat({ protectedMode: false, tutorialUserId: '2' });
  await firstValueFrom(service.tutorial.sendNote({ name: 'foo', message: 'hello' }));
  service.users.directory.change('2', { type: user.UserType.USER_TYPE_GUEST });
  const refused = async (): Promise<unknown> =>
    firstValueFrom(service.tutorial.sendNote({ name: 'foo', message: 'hello' })).then(
      refused,
      (error: unknown) => error,
    );
  expect(await refused()).toMatchObject({ code: Status.PERMISSION_DENIED });
});
