import { randomUUID } from 'node:crypto';
import { type Caller, notPermitted } from '@rollcall/access';
import { type chat, user } from '@rollcall/proto';
import { authorNotFound, noteIdReused } from '../errors/chat-errors.ts';
import type { Directory, Person } from './authors.ts';
import type { RoomShares } from '../rooms/shares.ts';
import type { NoteLog } from '../log/note-log.ts';

const { USER_TYPE_ADMINISTRATOR, USER_TYPE_NORMAL } = user.UserType;

/** The name of whoever is the administrator because nobody signs in here. */
const localName = 'local administrator';

/**
 * Sends a note on behalf of a caller.
 *
 * @throws RpcError USER_NOT_FOUND, NOT_PERMITTED, NOTE_ID_REUSED, TOO_MANY_ROOMS, DATABASE_FULL or LOG_UNAVAILABLE
 */
export async function sendNote(
  log: NoteLog,
  directory: Directory,
  shares: RoomShares,
  { room, message, authorId, noteId }: chat.SendNoteRequest,
  caller: Caller,
): Promise<chat.Note> {
  const author = await actsAs(directory, authorId, caller);
  if (author !== undefined && author.type !== USER_TYPE_ADMINISTRATOR && author.type !== USER_TYPE_NORMAL)
    throw notPermitted(`The user ${author.id} may not send notes.`, 'the type of the author');
  const { id, name } = author ?? { id: '0', name: localName };
  const note = { room, noteId: noteId || randomUUID(), authorId: id, authorName: name, message };
  // Administrators see to the rooms of others, and have no share.
  const onNewRoom = caller.type === USER_TYPE_ADMINISTRATOR ? undefined : () => shares.take(caller.userId);
  const sent = await log.append(note, onNewRoom);
  if (!sent.isNew && (sent.note.message !== message || sent.note.authorId !== id)) throw noteIdReused();
  return sent.note;
}

/**
 * As whom a caller acts who may have named somebody.
 *
 * @returns undefined for the local administrator, who is nobody in the directory
 * @throws RpcError USER_NOT_FOUND or NOT_PERMITTED
 */
export async function actsAs(directory: Directory, namedId: string, caller: Caller): Promise<Person | undefined> {
  const id = namedId === '0' ? caller.userId : namedId;
  if (id !== caller.userId && caller.type !== USER_TYPE_ADMINISTRATOR)
    throw notPermitted('Only an administrator may act as another user.', 'another user was named');
  if (id === '0') return undefined;
  const person = await directory.find(id);
  if (person === undefined || person.type === user.UserType.USER_TYPE_UNSPECIFIED) throw authorNotFound(id);
  return person;
}
