import { invalidFields } from '@rollcall/grpc';
import type { chat } from '@rollcall/proto';
import type { NoteLog } from '../log/note-log.ts';

const defaultPage = 50;
const maxPage = 500;

/** How large a page grows, in bytes, before it ends early: it is one message, which callers take up to some size alone. */
const maxPageBytes = 1 << 20;

/**
 * A page of notes, the latest first. It ends early when the notes are large.
 *
 * @throws RpcError INVALID_FIELD when the page token belongs to another query, LOG_UNAVAILABLE
 */
export async function listNotes(log: NoteLog, request: chat.ListNotesRequest): Promise<chat.ListNotesResponse> {
  const { room, pageToken, beforeSeq } = request;
  const size = Math.min(request.pageSize || defaultPage, maxPage);
  const { first, last } = await log.bounds(room);
  const asked = beforeSeq === '0' ? last + 1 : Math.min(Number(beforeSeq), last + 1);
  const before = pageToken === '' ? asked : readToken(pageToken, room, beforeSeq);
  const from = Math.max(before - size, first);
  // Large notes come in several reads.
  const notes: chat.Note[] = [];
  for (let after = from - 1; after < before - 1;) {
    const some = await log.read(room, after, before - 1 - after);
    const wanted = some.filter(({ seq }) => Number(seq) < before);
    notes.push(...wanted);
    if (wanted.length === 0) break;
    after = Number(wanted.at(-1)?.seq);
  }
  const page = within(notes.toReversed(), maxPageBytes);
  const next = page.length < notes.length ? Number(page.at(-1)?.seq) : from;
  return { notes: page, nextPageToken: next > first ? writeToken(next, room, beforeSeq) : '' };
}

/** The first ones, at least one, that are no larger together. */
function within(notes: readonly chat.Note[], maxBytes: number): chat.Note[] {
  let bytes = 0;
  const beyond = notes.findIndex(
    ({ message, authorName }, index) =>
      (bytes += 200 + Buffer.byteLength(message) + Buffer.byteLength(authorName)) > maxBytes && index > 0,
  );
  return beyond === -1 ? [...notes] : notes.slice(0, beyond);
}

function writeToken(before: number, room: string, beforeSeq: string): string {
  return Buffer.from(JSON.stringify([before, room, beforeSeq])).toString('base64url');
}

function readToken(token: string, room: string, beforeSeq: string): number {
  const read = parsed(token);
  if (Array.isArray(read)) {
    const [before, ofRoom, ofSeq] = read as unknown[];
    if (Number.isSafeInteger(before) && Number(before) > 0 && ofRoom === room && ofSeq === beforeSeq)
      return Number(before);
  }
  const description = 'is not a page token of this query: send the room and the before_seq that it came with';
  throw invalidFields([{ field: 'page_token', description, reason: 'page_token' }]);
}

function parsed(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined; // it is no token
  }
}
