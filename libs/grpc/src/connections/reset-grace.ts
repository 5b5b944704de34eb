import type { ServerHttp2Stream } from 'node:http2';

/** Calls that are over here, and still have something to send. A reader that does not take it would hold it for ever. */
export class ResetGrace {
  readonly #streams = new Map<ServerHttp2Stream, { untilMs: number; rstCode: number }>();

  /**
   * Lets a call send what it has, for a while.
   *
   * @param untilMs when it is reset, in milliseconds since the epoch
   * @param rstCode the code of HTTP/2 that the reader then sees
   */
  allow(stream: ServerHttp2Stream | undefined, untilMs: number, rstCode: number): void {
    if (stream !== undefined && !stream.destroyed) this.#streams.set(stream, { untilMs, rstCode });
  }

  /** Resets the calls whose time is up, which frees what they hold. */
  cutOff(now: number): void {
    for (const [stream, { untilMs, rstCode }] of this.#streams) {
      if (!stream.destroyed && now < untilMs) continue;
      this.#streams.delete(stream);
      if (!stream.destroyed) stream.close(rstCode);
    }
  }
}
