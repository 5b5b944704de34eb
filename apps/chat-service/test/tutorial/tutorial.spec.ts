import { status as Status } from '@grpc/grpc-js';
import { user } from '@rollcall/proto';
import { firstValueFrom, take, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { by, failure, read, send, startChat } from '../service.ts';

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
    authorName: 'foo (tutorial)',
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
  ...['\u001b[31mAda', 'a\u0000b', 'a\u009fb', 'a\u202eb', '\u2066a', 'a\u200fb'].map(
    (name): [string, { name: string; message: string }] => ['name', { name, message: 'x' }],
  ),
])('names the field %s when it is too short or too long, or no name', async (field, note) => {
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

test('the name that somebody types is marked for all but the tutorial’s own clients', async () => {
  await using service = await startChat();
  const heard = firstValueFrom(service.tutorial.chatStream({}).pipe(take(3), toArray()));
  using reader = read(service, { room: 'lobby' });
  for (const name of ['Administrator', '', 'a (tutorial)'])
    await firstValueFrom(service.tutorial.sendNote({ name, message: 'hello' }));
  expect((await heard).map(({ name }) => name)).toEqual(['Administrator', '', 'a (tutorial)']);
  await reader.until(() => reader.seqs().length === 3);
  expect(reader.events.flatMap(({ note }) => note?.authorName ?? [])).toEqual([
    'Administrator (tutorial)',
    '(tutorial)',
    'a (tutorial) (tutorial)',
  ]);
});

test('whoever is signed in is the author of a note, whatever name comes with it', async () => {
  await using service = await startChat({ protectedMode: false, tutorialUserId: '2' });
  await firstValueFrom(service.tutorial.sendNote({ name: 'Administrator', message: 'as Cleo' }, by('3')));
  await firstValueFrom(service.tutorial.sendNote({ name: 'foo', message: 'as nobody' }));
  const { notes } = await firstValueFrom(
    service.chat.listNotes({ room: 'lobby', pageSize: 0, pageToken: '', beforeSeq: '0' }, by('3')),
  );
  expect(notes).toMatchObject([
    { authorId: '0', authorName: 'foo (tutorial)', message: 'as nobody' },
    { authorId: '3', authorName: 'Cleo', message: 'as Cleo' },
  ]);
});
