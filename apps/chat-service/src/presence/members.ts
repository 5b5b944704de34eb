import { chat, type Timestamp } from '@rollcall/proto';
import { toTimestamp } from '../log/note-rows.ts';

/** A user in a room. */
export interface Visitor {
  readonly id: string;
  readonly name: string;
  readonly joinTimeMs: number;
}

export function presentMember({ id, name, joinTimeMs }: Visitor): chat.Member {
  return { userId: id, name, present: true, joinTime: toTimestamp(joinTimeMs), lastSeenTime: null };
}

export function absentMember(id: string, name: string, lastSeenTime: Timestamp): chat.Member {
  return { userId: id, name, present: false, joinTime: null, lastSeenTime };
}
