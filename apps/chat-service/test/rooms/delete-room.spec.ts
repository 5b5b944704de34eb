import { status as Status } from '@grpc/grpc-js';
import { chat } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { by, type ChatService, failure, read, send, sendMany, startChat } from '../service.ts';

const { KIND_GAP, KIND_CHECKPOINT, KIND_PRESENT } = chat.RoomEvent_Kind;

const caughtUp = (events: readonly chat.RoomEvent[]): boolean => events.some(({ kind }) => kind === KIND_CHECKPOINT);

const deleteRoom = ({ chat: client }: ChatService, room: string) =>
  firstValueFrom(client.deleteRoom({ room }, by('1')));

test('deletes a room with its notes, and leaves an entry in the audit log', async () => {
  await using service = await startChat({ protectedMode: false });
  await send(service, {}, by('2'));
  expect(await deleteRoom(service, 'hall')).toEqual({});
  const none = { rooms: [], nextPageToken: '' };
  expect(await firstValueFrom(service.chat.listRooms({ pageSize: 0, pageToken: '' }, by('1')))).toEqual(none);
  expect(service.users.directory.writes).toEqual([
    {
      callerId: '1',
      credential: 'token',
      address: 'unix',
      method: 'rollcall.chat.v1.ChatService.DeleteRoom',
      requestId: expect.stringMatching(/./),
      note: 'room "hall" deleted',
    },
  ]);
});

test('says that there is no such room, and leaves no entry', async () => {
  await using service = await startChat({ protectedMode: false });
  expect(await failure(deleteRoom(service, 'nowhere'))).toMatchObject({
    code: Status.NOT_FOUND,
    reason: 'ROOM_NOT_FOUND',
  });
  expect(await failure(deleteRoom(service, 'No room'))).toMatchObject({
    code: Status.INVALID_ARGUMENT,
    details: { violations: [{ field: 'room' }] },
  });
  expect(service.users.directory.writes).toEqual([]);
});

test('deletes nothing for others than administrators, nor while the audit log is away', async () => {
  await using service = await startChat({ protectedMode: false });
  await send(service, {}, by('2'));
  const request = { room: 'hall' };
  expect((await failure(service.chat.deleteRoom(request, by('2')))).reason).toBe('NOT_PERMITTED');
  await firstValueFrom(service.chat.listRooms({ pageSize: 0, pageToken: '' }, by('1'))); // the administrator is known now
  await service.users.stop();
  expect((await failure(service.chat.deleteRoom(request, by('1')))).code).toBe(Status.UNAVAILABLE);
  const { rooms } = await firstValueFrom(service.chat.listRooms({ pageSize: 0, pageToken: '' }, by('1')));
  expect(rooms).toMatchObject([{ name: 'hall', lastSeq: '1' }]);
  await service.users.start();
});

test('ends the streams of the room with NOT_FOUND, and no others', async () => {
  await using service = await startChat();
  await sendMany(service, 3);
  await send(service, { room: 'other' });
  using reader = read(service);
  using bystander = read(service, { room: 'other' });
  await reader.until(caughtUp);
  await bystander.until(caughtUp);
  await deleteRoom(service, 'hall');
  expect(await reader.error()).toMatchObject({ code: Status.NOT_FOUND, reason: 'ROOM_NOT_FOUND' });
  await send(service, { room: 'other', message: 'goes on' });
  await bystander.until((events) => events.at(-1)?.note?.message === 'goes on');
});

test('tells whoever comes back with the number of a deleted note of a gap, before and after the room is made anew', async () => {
  await using service = await startChat();
  await sendMany(service, 3);
  await deleteRoom(service, 'hall');
  for (const afterSeq of ['1', '3']) {
    using reader = read(service, { afterSeq });
    await reader.until(caughtUp);
    const gap = { firstSeq: String(Number(afterSeq) + 1), lastSeq: '4' };
    expect(reader.events[0]).toMatchObject({ kind: KIND_GAP, seq: '4', gap });
    reader.close();
  }
  const { seq } = await send(service);
  expect(seq).toBe('5');
  using resumed = read(service, { afterSeq: '3' });
  await resumed.until(caughtUp);
  expect(resumed.events.slice(0, 2)).toMatchObject([{ gap: { firstSeq: '4', lastSeq: '4' } }, { note: { seq: '5' } }]);
});

test('forgets who was in the room', async () => {
  await using service = await startChat({ protectedMode: false });
  await send(service, {}, by('2'));
  using reader = read(service, { presence: true }, by('2'));
  await reader.until((events) => events.some(({ kind }) => kind === KIND_PRESENT));
  await deleteRoom(service, 'hall');
  await reader.error();
  await send(service, {}, by('2'));
  using again = read(service, { presence: true }, by('3'));
  await again.until((events) => events.some(({ kind, members }) => kind === KIND_PRESENT && members.length > 0));
  const { members } = again.events.find(({ kind }) => kind === KIND_PRESENT) ?? { members: [] };
  expect(members.filter(({ present }) => !present)).toEqual([]);
});
