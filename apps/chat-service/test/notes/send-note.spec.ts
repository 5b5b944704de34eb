import { status as Status } from '@grpc/grpc-js';
import { user } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { by, type ChatService, failure, read, send, startChat } from '../service.ts';

describe('in protected mode', () => {
  let service: ChatService;
  beforeAll(async () => {
    service = await startChat();
  });
  afterAll(() => service[Symbol.asyncDispose]());

  test('numbers the notes of each room from 1', async () => {
    const first = await send(service, { room: 'numbers', message: 'one' });
    expect(first).toEqual({
      room: 'numbers',
      seq: '1',
      noteId: expect.stringMatching(/^[\w-]{36}$/),
      authorId: '0',
      authorName: 'local administrator',
      message: 'one',
      sendTime: expect.objectContaining({ nanos: expect.any(Number) }),
    });
    expect(Number(first.sendTime?.seconds)).toBeCloseTo(Date.now() / 1000, -2);
    expect((await send(service, { room: 'numbers' })).seq).toBe('2');
    expect((await send(service, { room: 'others' })).seq).toBe('1');
  });

  test('sends as the user that is named, under the name of now', async () => {
    expect(await send(service, { authorId: '2' })).toMatchObject({ authorId: '2', authorName: 'Ben' });
    service.users.directory.change('2', { name: 'Benjamin' });
    const renamed = async (): Promise<string> => {
      const { authorName } = await send(service, { authorId: '2' });
      return authorName === 'Benjamin' ? authorName : renamed();
    };
    expect(await renamed()).toBe('Benjamin');
  });

  test.each([
    ['no user has', '99', Status.NOT_FOUND, 'USER_NOT_FOUND'],
    ['is disabled', '5', Status.PERMISSION_DENIED, 'NOT_PERMITTED'],
    ['is a guest', '4', Status.PERMISSION_DENIED, 'NOT_PERMITTED'],
  ])('does not send as an author who %s', async (_, authorId, code, reason) => {
    expect(await failure(send(service, { authorId }))).toMatchObject({ code, reason });
  });

  test('does not send as a user who was deleted', async () => {
    service.users.directory.add('6', 'Eve', user.UserType.USER_TYPE_NORMAL);
    await send(service, { authorId: '6' });
    service.users.directory.change('6', { deleteTime: { seconds: '1', nanos: 0 } });
    const refused = async (): Promise<unknown> =>
      send(service, { authorId: '6' }).then(refused, (error: unknown) => error); // until it is heard of
    expect(await refused()).toMatchObject({ reason: 'USER_NOT_FOUND' });
  });

  test.each([
    ['message', { message: '' }],
    ['message', { message: 'x'.repeat(4097) }],
    ['room', { room: '' }],
    ['room', { room: 'The Hall' }],
    ['room', { room: 'x'.repeat(64) }],
    ['note_id', { noteId: 'a b' }],
    ['note_id', { noteId: 'x'.repeat(65) }],
    ['author_id', { authorId: '9223372036854775808' }],
  ])('names the field %s when it is wrong', async (field, fields) => {
    const { code, details } = await failure(send(service, fields));
    expect([code, details.violations?.map((violation) => violation.field)]).toEqual([Status.INVALID_ARGUMENT, [field]]);
  });

  test('keeps 4096 code points, whatever they are', async () => {
    const message = '🦜'.repeat(4096);
    expect((await send(service, { room: 'birds', message })).message).toBe(message);
    expect(await failure(send(service, { message: `${message}x` }))).toMatchObject({ code: Status.INVALID_ARGUMENT });
  });

  test('answers the same note when it is sent again with its id, also at once', async () => {
    const fields = { room: 'again', message: 'once', noteId: 'n-1' };
    const [first, second] = await Promise.all([send(service, fields), send(service, fields)]);
    expect(second).toEqual(first);
    expect(await send(service, fields)).toEqual(first);
    expect((await send(service, { room: 'again', message: 'once' })).seq).toBe('2');
  });

  test.each([{ message: 'another' }, { authorId: '3' }])(
    'refuses a note id that another note has: %j',
    async (other) => {
      const fields = { room: 'reused', message: 'one', authorId: '2', noteId: `n-${JSON.stringify(other).length}` };
      await send(service, fields);
      expect(await failure(send(service, { ...fields, ...other }))).toMatchObject({
        code: Status.ALREADY_EXISTS,
        reason: 'NOTE_ID_REUSED',
      });
    },
  );
});

test('opens as many rooms as there may be', async () => {
  await using service = await startChat({ maxRooms: 2 });
  await send(service, { room: 'one' });
  await send(service, { room: 'two' });
  expect(await failure(send(service, { room: 'three' }))).toMatchObject({
    code: Status.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_ROOMS',
  });
  expect((await send(service, { room: 'two' })).seq).toBe('2');
});

test('lets a user make no more rooms in an hour than a share, and send to all that are there', async () => {
  await using service = await startChat({ protectedMode: false, tutorialUserId: undefined, roomsPerUserAndHour: 2 });
  for (const room of ['one', 'two', 'one', 'two']) await send(service, { room }, by('2'));
  expect(await failure(send(service, { room: 'three' }, by('2')))).toMatchObject({
    code: Status.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_ROOMS',
    message: expect.stringContaining('You have made 2 rooms within an hour'),
  });
  for (const room of ['three', 'four', 'five']) await send(service, { room }, by('1')); // an administrator
  expect((await send(service, { room: 'three' }, by('2'))).seq).toBe('2');
  expect((await send(service, { room: 'one' }, by('2'))).seq).toBe('3');
});

describe('where users sign in', () => {
  let service: ChatService;
  beforeAll(async () => {
    service = await startChat({ protectedMode: false, tutorialUserId: undefined });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  test('the author is the caller', async () => {
    expect(await send(service, {}, by('2'))).toMatchObject({ authorId: '2', authorName: 'Ben' });
    expect(await send(service, { authorId: '2' }, by('2'))).toMatchObject({ authorId: '2' });
  });

  test('an administrator may name another author, and nobody else', async () => {
    expect(await send(service, { authorId: '3' }, by('1'))).toMatchObject({ authorId: '3', authorName: 'Cleo' });
    expect(await failure(send(service, { authorId: '3' }, by('2')))).toMatchObject({
      code: Status.PERMISSION_DENIED,
      reason: 'NOT_PERMITTED',
    });
  });

  test.each([
    ['a guest', '4', Status.PERMISSION_DENIED],
    ['a disabled user', '5', Status.PERMISSION_DENIED],
    ['a user who is not there', '99', Status.PERMISSION_DENIED],
  ])('%s may not send', async (_, id, code) => {
    expect(await failure(send(service, {}, by(id)))).toMatchObject({ code });
  });

  test('a credential that is not valid is refused, and what is refused is reported', async () => {
    expect(await failure(send(service, {}))).toMatchObject({ reason: 'SIGN_IN_REQUIRED' });
    expect(await failure(send(service, {}, by('x')))).toMatchObject({ reason: 'CREDENTIAL_INVALID' });
    const { denials } = service.users.directory;
    while (!denials.some(({ reason }) => reason.startsWith('CREDENTIAL_INVALID')))
      await new Promise((resolve) => setTimeout(resolve, 10)); // its test has a time limit
    expect(denials).toContainEqual(
      expect.objectContaining({
        callerId: '0',
        method: 'rollcall.chat.v1.ChatService.SendNote',
        code: Status.UNAUTHENTICATED,
        reason: 'CREDENTIAL_INVALID: it is unknown',
      }),
    );
  });

  test('the other service is asked with the token of services', () => {
    expect([...service.users.directory.authorizations]).toEqual([`Bearer rcv_${'a'.repeat(43)}`]);
  });

  test('a stream ends when its caller may no longer read', async () => {
    const { directory } = service.users;
    directory.add('7', 'Finn', user.UserType.USER_TYPE_NORMAL);
    using reader = read(service, {}, by('7'));
    await reader.until((events) => events.length > 0);
    directory.change('7', { type: user.UserType.USER_TYPE_DISABLED });
    expect(await reader.error()).toMatchObject({ code: Status.PERMISSION_DENIED });
  });

  test('a disabled author is refused as soon as that is heard of', async () => {
    const { directory } = service.users;
    directory.add('8', 'Hal', user.UserType.USER_TYPE_NORMAL);
    await send(service, { authorId: '8' }, by('1'));
    directory.change('8', { type: user.UserType.USER_TYPE_DISABLED });
    const refused = async (): Promise<unknown> =>
      send(service, { authorId: '8' }, by('1')).then(refused, (error: unknown) => error);
    expect(await refused()).toMatchObject({ code: Status.PERMISSION_DENIED });
  });

  test('while user-service is away nobody new is let in, and who is known goes on reading', async () => {
    using reader = read(service, { room: 'calm' }, by('3'));
    await reader.until((events) => events.length > 0);
    service.users.directory.add('9', 'Ida', user.UserType.USER_TYPE_NORMAL);
    await service.users.stop();
    expect(
      await failure(firstValueFrom(service.chat.listRooms({ pageSize: 0, pageToken: '' }, by('9')))),
    ).toMatchObject({
      code: Status.UNAVAILABLE,
    });
    await service.users.start();
    const sendAgain = async (): Promise<unknown> => send(service, { room: 'calm' }, by('3')).catch(sendAgain);
    await sendAgain();
    await reader.until((events) => events.some(({ note }) => note !== null));
  });
});
