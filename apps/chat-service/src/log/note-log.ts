import type { chat } from '@rollcall/proto';

/** A note before it has its number. */
export type NewNote = Omit<chat.Note, 'seq' | 'sendTime'>;

/** How large a note may be to be read, its message and the name of its author, in bytes. The contract takes none that is. */
export const maxNoteBytes = 64 * 1024;

/** Which notes of a room are kept. A room without notes has 1 and 0. */
export interface Bounds {
  /** The number of the first note; one more than `last` when none is kept. */
  readonly first: number;
  /** The number of the last note there ever was. */
  readonly last: number;
}

/** Somebody who hears of new notes. */
export interface Following {
  /** The number of the last note before those that are heard of. */
  readonly from: number;
  close(): void;
}

/**
 * Where the notes of all rooms are kept. Each has the number of its commit in its room: from 1, without holes, but
 * before the first behind a deletion: one number stands for that, and some may be spared. Whatever
 * keeps them, all methods fail with RpcError LOG_UNAVAILABLE while it cannot be reached; what is followed stays followed.
 */
export interface NoteLog {
  /**
   * Appends a note, and answers once it is kept, whatever ends then. A note id that was used in the room within the last
   * hour gives the note that has it, and `isNew` is false.
   *
   * @param onNewRoom is called before the note makes a room; what it throws the note fails with
   * @throws RpcError TOO_MANY_ROOMS, DATABASE_FULL, or LOG_UNAVAILABLE, after which it may be kept all the same
   */
  append(note: NewNote, onNewRoom?: () => void): Promise<{ readonly note: chat.Note; readonly isNew: boolean }>;

  /** A room that was deleted ends with the number that stands for the deletion. */
  bounds(room: string): Promise<Bounds>;

  /**
   * The notes behind one, in order, up to some number of them: fewer when there are no more, or when they are large. One
   * of more than `maxNoteBytes` is left out, as one that retention has removed: no message would hold it.
   */
  read(room: string, afterSeq: number, limit: number): Promise<chat.Note[]>;

  /** The rooms behind a name, by name, up to some number of them; what others did within the last second may be missing. */
  rooms(afterName: string, limit: number): Promise<chat.Room[]>;

  /**
   * Tells of every note behind `from` once, in order, whoever appends it. What cannot be reached meanwhile is told of
   * later; a number that is left out has been removed by retention. The notes of one call are of one moment. A number that
   * is not above the last one says that the log was lost, and begins again.
   *
   * @param onDeleted hears that the room was deleted, with the number that stands for it; what follows is of another room
   */
  follow(
    room: string,
    hear: (notes: readonly chat.Note[]) => void,
    onDeleted: (seq: number) => void,
  ): Promise<Following>;

  /**
   * Deletes a room with its notes. A note that is sent meanwhile is deleted as well, or makes the room anew.
   *
   * @param onFound is called before, when there is such a room; what it throws the deletion fails with
   * @returns whether there was one
   */
  delete(room: string, onFound?: () => Promise<void>): Promise<boolean>;

  /** Whether it can be reached now. */
  answers(): Promise<boolean>;

  close(): Promise<void>;
}

/** Which notes are kept. */
export interface Retention {
  /** How old a note becomes, in milliseconds; undefined: as old as it likes. */
  readonly maxAgeMs: number | undefined;
  /** How many notes a room keeps; undefined: all. */
  readonly maxNotes: number | undefined;
}
