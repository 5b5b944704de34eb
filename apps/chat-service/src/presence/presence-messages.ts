import type { Visitor } from './members.ts';

/** Somebody who has come to a room, or left it, on one replica. */
export interface Move extends Visitor {
  readonly room: string;
  /** When the user left; 0: the user is there. */
  readonly leftTimeMs: number;
}

/** What replicas tell each other of who is in the rooms. */
export type PresenceMessage = {
  /** Which replica says so. Each start of the service is another one. */
  readonly replica: string;
} & (
  | {
      /** Some have come or left. */
      readonly kind: 'change';
      /** The number of this change, one more than that of the one before. */
      readonly change: number;
      readonly moves: readonly Move[];
    }
  | {
      /** All who are there behind a change: one of several parts. */
      readonly kind: 'state';
      readonly change: number;
      readonly part: number;
      readonly parts: number;
      readonly moves: readonly Move[];
    }
  /** It lives, and this was its last change. */
  | { readonly kind: 'beat'; readonly change: number }
  /** It wants to hear the state of one replica; of all when `of` is empty. */
  | { readonly kind: 'ask'; readonly of: string }
  /** It ends: nobody is there any more. */
  | { readonly kind: 'bye' }
);

/** How many moves a message has at the most: with names of 255 characters they stay below the megabyte that NATS takes. */
export const maxMoves = 500;

export function encodePresence(message: PresenceMessage): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** @returns undefined for what is no such message: another version of the service may speak otherwise */
export function decodePresence(data: Uint8Array): PresenceMessage | undefined {
  let read: unknown;
  try {
    read = JSON.parse(new TextDecoder().decode(data));
  } catch {
    return undefined;
  }
  if (!isRecord(read)) return undefined;
  const { replica, kind, change, part, parts, of, moves } = read;
  if (!isText(replica)) return undefined;
  switch (kind) {
    case 'change':
      return isCount(change) && areMoves(moves) ? { replica, kind, change, moves } : undefined;
    case 'state':
      return isCount(change) && isCount(part) && isCount(parts) && areMoves(moves)
        ? { replica, kind, change, part, parts, moves }
        : undefined;
    case 'beat':
      return isCount(change) ? { replica, kind, change } : undefined;
    case 'ask':
      return isText(of) ? { replica, kind, of } : undefined;
    case 'bye':
      return { replica, kind };
    default:
      return undefined;
  }
}

function areMoves(value: unknown): value is Move[] {
  return Array.isArray(value) && value.every(isMove);
}

function isMove(value: unknown): value is Move {
  return (
    isRecord(value) &&
    isText(value['room']) &&
    isText(value['id']) &&
    /^\d{1,20}$/.test(value['id']) &&
    isText(value['name']) &&
    isCount(value['joinTimeMs']) &&
    isCount(value['leftTimeMs'])
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
