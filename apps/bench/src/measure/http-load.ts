import { HttpConnection, type HttpAnswer } from './http-connection.ts';
import { quantile } from './statistics.ts';

/** A request, and how to tell a right answer from a wrong one. */
export interface LoadRequest {
  /** The whole request, as it goes over the wire. */
  readonly text: string;
  isRight(answer: HttpAnswer): boolean;
}

/** What a load saw. */
export interface LoadResult {
  readonly answers: number;
  readonly elapsedMs: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  /** The processor time that the load itself took, in microseconds. */
  readonly generatorMicros: number;
}

/** A number of callers on a connection each, who ask anew as soon as they are answered. */
export class HttpLoad implements AsyncDisposable {
  readonly #connections: readonly HttpConnection[];
  readonly #next: () => LoadRequest;

  private constructor(connections: readonly HttpConnection[], next: () => LoadRequest) {
    this.#connections = connections;
    this.#next = next;
  }

  /**
   * Connects the callers. They are idle until `run`.
   *
   * @param next makes the next request
   */
  static async open(socketPath: string, inFlight: number, next: () => LoadRequest): Promise<HttpLoad> {
    const opening = Array.from({ length: inFlight }, () => HttpConnection.open(socketPath));
    return new HttpLoad(await Promise.all(opening), next);
  }

  /**
   * Lets the callers ask for a while, and waits for the last answers, which count too.
   *
   * @throws Error at the first wrong answer, and when a connection breaks
   */
  async run(durationMs: number): Promise<LoadResult> {
    const latencies: number[] = [];
    const cpuBefore = process.cpuUsage();
    const start = performance.now();
    await Promise.all(this.#connections.map((each) => this.#askUntil(each, start + durationMs, latencies)));
    const elapsedMs = performance.now() - start;
    const { user, system } = process.cpuUsage(cpuBefore);
    const sorted = Float64Array.from(latencies).toSorted();
    return {
      answers: sorted.length,
      elapsedMs,
      p50Millis: quantile(sorted, 0.5),
      p99Millis: quantile(sorted, 0.99),
      generatorMicros: user + system,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection[Symbol.asyncDispose]()));
  }

  #askUntil(connection: HttpConnection, endMs: number, latencies: number[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const ask = (): void => {
        const request = this.#next();
        const sentMs = performance.now();
        connection.send(request.text, (answer, error) => {
          const nowMs = performance.now();
          if (answer === undefined) reject(error ?? new Error('no answer'));
          else if (!request.isRight(answer)) reject(wrong(request, answer));
          else {
            latencies.push(nowMs - sentMs);
            if (nowMs < endMs) ask();
            else resolve();
          }
        });
      };
      ask();
    });
  }
}

function wrong(request: LoadRequest, { status, body }: HttpAnswer): Error {
  return new Error(`a wrong answer, ${status} ${body.slice(0, 300)}, to ${request.text.slice(0, 300)}`);
}
