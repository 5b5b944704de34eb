import type { ServerHttp2Stream } from 'node:http2';

/** How many calls begin in one turn of the event loop. */
const callsInATurn = 32;

interface WaitingCall {
  readonly stream: ServerHttp2Stream;
  readonly begin: () => void;
}

/**
 * Turns for calls that come at the same time. A peer may open all the streams of a connection at once; if they began in
 * one turn of the event loop, nobody else would be answered until the last of them had begun or was refused. Connections
 * take turns with each other.
 */
export class CallTurns {
  /** By their connections; the one whose turn is next comes first. */
  readonly #waiting = new Map<unknown, WaitingCall[]>();
  #begun = 0;
  #scheduled = false;

  /** Begins a call in this turn, or in one that follows. A call that is closed meanwhile does not begin. */
  begin(stream: ServerHttp2Stream, begin: () => void): void {
    if (!this.#scheduled) this.#schedule();
    if (this.#begun < callsInATurn && this.#waiting.size === 0) {
      this.#begun += 1;
      begin();
      return;
    }
    stream.on('error', () => undefined); // nobody else listens yet
    const calls = this.#waiting.get(stream.session);
    if (calls === undefined) this.#waiting.set(stream.session, [{ stream, begin }]);
    else calls.push({ stream, begin });
  }

  #schedule(): void {
    this.#scheduled = true;
    setImmediate(() => this.#nextTurn());
  }

  #nextTurn(): void {
    this.#scheduled = false;
    this.#begun = 0;
    for (const [session, calls] of this.#waiting) {
      if (this.#begun === callsInATurn) break;
      this.#waiting.delete(session);
      const { stream, begin } = calls.shift() as WaitingCall;
      if (calls.length > 0) this.#waiting.set(session, calls); // comes again behind the others
      if (stream.destroyed) continue;
      this.#begun += 1;
      begin();
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
