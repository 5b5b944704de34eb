import { signal } from '@preact/signals';
import type { ListNotesResponseJson, MemberJson, RoomEventJson } from '@rollcall/proto/json';
import { call, query } from '../calls/call.ts';
import { EventStream } from '../calls/event-stream.ts';
import { type Problem, problemIn } from '../calls/problem.ts';
import { coalesced } from '../parts/coalesced.ts';
import { type Entry, inserted, isNote, noteOf } from './notes/note.ts';
import { extendRoom, markOf } from './rooms.ts';
import { outbox } from './notes/sending.ts';

const pageSize = 50;
/** So many entries stay while one reads the latest; those before are asked for again when one scrolls up to them. */
const keptEntries = 400;

/** The room that is shown: its notes as far as they were asked for, who is there, and what comes. */
export class OpenRoom {
  readonly name: string;
  readonly entries = signal<readonly Entry[]>([]);
  readonly members = signal<ReadonlyMap<string, MemberJson>>(new Map());
  readonly stream: EventStream<RoomEventJson>;
  /** Whether the stream has caught up since the room was opened. */
  readonly caughtUp = signal(false);
  readonly older = signal<'unknown' | 'loading' | 'none'>('unknown');
  readonly problem = signal<Problem | undefined>(undefined);
  /** Up to which note it was read before it was opened; undefined when that is all. */
  readonly readBefore = signal<number | undefined>(undefined);
  /** Whether one reads the latest notes, so that old ones may go. */
  atEnd = true;
  #arrived: Entry[] = [];
  #upToDate = false;
  readonly #take = coalesced(() => this.#takeIn());

  constructor(name: string, presentAs: string) {
    this.name = name;
    const path = `v1/rooms/${encodeURIComponent(name)}/notes:stream`;
    this.stream = new EventStream({
      url: (afterSeq) => `${path}${query({ presence: true, presentAs: presentAs === '0' ? '' : presentAs, afterSeq })}`,
      onItem: (event) => this.#happened(event),
      onRefused: (problem) => {
        if (problem.reason === 'SEQ_UNKNOWN') {
          this.entries.value = []; // the room's log is another one
          return 'afresh';
        }
        const final = [400, 401, 403, 404].includes(problem.status);
        this.problem.value = final ? problem : undefined;
        return final ? 'never' : 'again';
      },
    });
  }

  close(): void {
    this.stream.close();
  }

  lastSeq(): number {
    return this.entries.peek().at(-1)?.seq ?? 0;
  }

  /** Gets the notes before the first that is there. */
  async loadOlder(): Promise<void> {
    const first = this.entries.value[0]?.seq;
    if (this.older.value !== 'unknown' || first === undefined) return;
    if (first <= 1) return void (this.older.value = 'none');
    this.older.value = 'loading';
    try {
      const parameters = query({ beforeSeq: first, pageSize });
      const page = await call<ListNotesResponseJson>(
        'GET',
        `v1/rooms/${encodeURIComponent(this.name)}/notes${parameters}`,
      );
      const notes = (page.notes ?? []).map(noteOf);
      this.entries.value = inserted(this.entries.value, notes);
      this.older.value = notes.length < pageSize ? 'none' : 'unknown';
      this.problem.value = undefined;
    } catch (error) {
      this.older.value = 'unknown';
      this.problem.value = problemIn(error);
    }
  }

  #happened({ kind, note, gap, members = [] }: RoomEventJson): void {
    switch (kind) {
      case 'KIND_NOTE':
        if (note !== undefined) this.#arrived.push(noteOf(note));
        return this.#take();
      case 'KIND_GAP':
        this.#arrived.push({ seq: Number(gap?.firstSeq ?? 0), lastSeq: Number(gap?.lastSeq ?? 0) });
        return this.#take();
      case 'KIND_CHECKPOINT':
        this.#upToDate = true;
        outbox.peek().hurry(); // there is a connection
        return this.#take();
      case 'KIND_PRESENT':
        this.members.value = new Map(members.map((member) => [member.userId ?? '0', member]));
        return;
      case 'KIND_JOINED':
      case 'KIND_LEFT': {
        const changed = members.map((member) => [member.userId ?? '0', member] as const);
        this.members.value = new Map([...this.members.value, ...changed]);
        return;
      }
      case 'KIND_UNSPECIFIED':
      case undefined:
        return; // of a later contract
    }
  }

  #takeIn(): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    let entries = inserted(this.entries.peek(), arrived);
    if (this.atEnd && entries.length > keptEntries) {
      entries = entries.slice(-keptEntries / 2);
      this.older.value = 'unknown';
    }
    this.entries.value = entries;
    if (this.#upToDate && !this.caughtUp.value) {
      const mark = markOf(this.name);
      this.readBefore.value = mark !== undefined && mark < this.lastSeq() ? mark : undefined;
      this.caughtUp.value = true;
    }
    for (const note of arrived.filter(isNote)) outbox.peek().forget(note.noteId);
    const last = arrived.filter(isNote).at(-1);
    if (last !== undefined) extendRoom(this.name, last.seq, last.sendTime);
  }
}
