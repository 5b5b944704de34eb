/** Up to which note each room was read. */
export type ReadMarks = Readonly<Record<string, number>>;

/** A room as far as marks are concerned. */
export interface Extent {
  readonly name: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** At the first visit nothing is unread: what was said before one came is history. */
export function marksAtFirstVisit(rooms: readonly Extent[]): ReadMarks {
  return Object.fromEntries(rooms.map(({ name, lastSeq }) => [name, lastSeq]));
}

/** The marks with a room read further. A mark never goes back, whichever tab writes it. */
export function readUpTo(marks: ReadMarks, room: string, seq: number): ReadMarks {
  return (marks[room] ?? -1) >= seq ? marks : { ...marks, [room]: seq };
}

/** Both, each room as far as either has it. */
export function joined(a: ReadMarks, b: ReadMarks): ReadMarks {
  return Object.entries(b).reduce((marks, [room, seq]) => readUpTo(marks, room, seq), a);
}

/** How many notes of a room that are kept were not read. */
export function unreadIn(marks: ReadMarks, { name, firstSeq, lastSeq }: Extent): number {
  return Math.max(0, lastSeq - Math.max(marks[name] ?? 0, firstSeq - 1));
}

export function areMarks(json: unknown): json is ReadMarks {
  return typeof json === 'object' && json !== null && Object.values(json).every((seq) => Number.isSafeInteger(seq));
}
