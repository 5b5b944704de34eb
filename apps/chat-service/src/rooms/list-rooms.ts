import type { chat } from '@rollcall/proto';
import type { NoteLog } from '../log/note-log.ts';

const defaultPage = 100;
const maxPage = 1000;

/** A page of rooms, by name; its token is the name that it goes on behind. @throws RpcError LOG_UNAVAILABLE */
export async function listRooms(
  log: NoteLog,
  { pageSize, pageToken }: chat.ListRoomsRequest,
): Promise<chat.ListRoomsResponse> {
  const size = Math.min(pageSize || defaultPage, maxPage);
  const rooms = await log.rooms(pageToken, size + 1);
  const page = rooms.slice(0, size);
  return { rooms: page, nextPageToken: rooms.length > size ? (page.at(-1)?.name ?? '') : '' };
}
