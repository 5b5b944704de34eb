import { Worker } from 'node:worker_threads';

/** Whom readers read from: a gRPC server, or a gateway over server-sent events. */
export interface ReadersOf {
  readonly kind: 'grpc' | 'sse';
  readonly socketPath: string;
  readonly room: string;
  readonly count: number;
}

/** What readers have had since they were last asked. */
export interface Heard {
  readonly deliveries: number;
  /** How late each note was, in milliseconds. */
  readonly lateness: Float64Array;
  /** What was lost, doubled or out of order, and streams that ended. */
  readonly faults: string;
}

export type ReadersReport = { readonly ready: true } | { readonly heard: Heard };

/** Many readers of a room, in a thread of their own. They judge what they get. */
export class Readers implements AsyncDisposable {
  readonly count: number;
  readonly #worker: Worker;
  #answer = Promise.withResolvers<ReadersReport>();

  private constructor(of: ReadersOf) {
    this.count = of.count;
    this.#worker = new Worker(new URL('./readers.worker.js', import.meta.url), { workerData: of });
    this.#worker.on('message', (report: ReadersReport) => this.#answer.resolve(report));
    this.#worker.on('error', (error) => this.#answer.reject(error));
  }

  /** Opens them, and waits until all have caught up. */
  static async open(of: ReadersOf): Promise<Readers> {
    const readers = new Readers(of);
    await readers.#answer.promise;
    return readers;
  }

  /** Waits until each has had the note with this number. @throws Error when one was lost, doubled or out of order */
  async heardUpTo(seq: number): Promise<Heard> {
    this.#answer = Promise.withResolvers();
    this.#worker.postMessage(seq);
    const report = await this.#answer.promise;
    if (!('heard' in report)) throw new Error('the readers do not say what they heard');
    if (report.heard.faults !== '') throw new Error(`readers of ${this.count}: ${report.heard.faults}`);
    return report.heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
