import { request } from 'node:http';
import { NoteOrder } from './note-order.ts';

interface RoomEvent {
  readonly kind: string;
  readonly note?: { readonly seq: string; readonly message: string } | null;
  readonly gap?: { readonly lastSeq: string } | null;
}

/** How long a reader waits before it comes back, in milliseconds, give or take half of it. */
const backMs = 100;

/** What a reader is told that is no note: `error`, `bye`, and why it was not let in. */
export type Word = 'error' | 'bye' | 'end' | number;

/**
 * A reader of a room over server-sent events, which comes back behind the last note that it has, whatever cut it off.
 */
export class RoomReader {
  readonly order: NoteOrder;
  /** What it was told beside notes. */
  readonly words: Word[] = [];
  /** Whether it has all notes so far. */
  caughtUp = false;
  readonly #socketPath: string;
  readonly #path: string;
  readonly #drops: (seq: number) => boolean;
  readonly #hear: (message: string) => void;
  #lastEventId: string;
  #stop: () => void = () => undefined;
  #closed = false;

  /**
   * @param drops tells which notes are lost on the way, to show that this would be noticed
   * @param hear takes each note's message
   */
  constructor(
    socketPath: string,
    room: string,
    after: number,
    {
      drops = () => false,
      hear = () => undefined,
    }: { drops?: (seq: number) => boolean; hear?: (message: string) => void } = {},
  ) {
    this.#socketPath = socketPath;
    this.#path = `/v1/rooms/${room}/notes:stream`;
    this.#lastEventId = String(after);
    this.#drops = drops;
    this.#hear = hear;
    this.order = new NoteOrder(after);
    this.#open();
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #open(): void {
    if (this.#closed) return;
    const headers = { host: 'localhost', accept: 'text/event-stream', 'last-event-id': this.#lastEventId };
    const opened = request({ socketPath: this.#socketPath, path: this.#path, headers, agent: false });
    let over = false;
    const back = (): void => {
      if (over) return;
      over = true;
      const timer = setTimeout(() => this.#open(), backMs * (0.5 + Math.random()));
      this.#stop = () => clearTimeout(timer);
    };
    this.#stop = () => {
      over = true;
      opened.destroy();
    };
    opened.on('error', back);
    opened.on('close', back);
    opened.on('response', (response) => {
      if (response.statusCode !== 200) {
        this.words.push(response.statusCode ?? 0);
        response.resume();
        return;
      }
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const parts = (text + chunk).split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts) this.#event(part);
      });
      response.on('error', () => undefined); // it is cut off: `close` follows
    });
    opened.end();
  }

  #event(text: string): void {
    const fields = new Map(
      text.split('\n').map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trimStart()] as const;
      }),
    );
    const name = fields.get('event');
    if (name === 'error' || name === 'bye' || name === 'end') this.words.push(name);
    const data = fields.get('data');
    if (name !== undefined || data === undefined) return;
    this.#lastEventId = fields.get('id') ?? this.#lastEventId;
    const { kind, note, gap } = JSON.parse(data) as RoomEvent;
    if (kind === 'KIND_CHECKPOINT') this.caughtUp = true;
    if (gap) this.order.gap(Number(gap.lastSeq));
    if (!note || this.#drops(Number(note.seq))) return;
    this.order.note(Number(note.seq));
    this.#hear(note.message);
  }
}

/** Waits until something is so; the test's time limit ends the wait. */
export async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 20));
}
