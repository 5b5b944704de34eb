import { signal } from '@preact/signals';
import type { ImportConflictJson, ImportResultJson } from '@rollcall/proto/json';
import { query, send } from '../calls/call.ts';
import { jsonLines } from '../calls/json-lines.ts';
import { type Problem, problemIn } from '../calls/problem.ts';
import { coalesced } from '../parts/coalesced.ts';
import { type Row, rowsOf } from './rows.ts';

/** Browsers send no request while they read its answer, so a file goes in parts. */
const rowsAPart = 500;

/** How the service takes rows. */
export interface ImportOptions {
  readonly dryRun: boolean;
  readonly onConflict: ImportConflictJson;
}

/** A row that was refused. */
export interface Refused {
  readonly line: number;
  readonly field: string;
  readonly why: string;
}

/** How far an import is. */
export interface Progress {
  /** From 0 to 1. */
  readonly part: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly failed: number;
}

/** Imports a file. It can be stopped, and after a failure it goes on behind the last row that was answered. */
export class ImportRun {
  readonly progress = signal<Progress>({ part: 0, created: 0, updated: 0, unchanged: 0, failed: 0 });
  /** It grows with `progress`. */
  readonly refused: Refused[] = [];
  readonly state = signal<'running' | 'failed' | 'stopped' | 'done'>('running');
  readonly problem = signal<Problem | undefined>(undefined);
  readonly #file: File;
  readonly #parameters: string;
  readonly #rows: AsyncGenerator<Row>;
  readonly #stopped = new AbortController();
  #now: Progress = this.progress.value;
  readonly #show = coalesced(() => (this.progress.value = this.#now));
  #waiting: Row[] = [];
  /** Why the file cannot be read any further. */
  #unreadableFile: unknown;

  constructor(file: File, { dryRun, onConflict }: ImportOptions) {
    this.#file = file;
    this.#parameters = query({ dryRun, onConflict });
    this.#rows = rowsOf(file);
    void this.goOn();
  }

  stop(): void {
    this.#stopped.abort();
    this.state.value = 'stopped';
  }

  /** Sends what is left. */
  async goOn(): Promise<void> {
    this.state.value = 'running';
    this.problem.value = undefined;
    try {
      while (await this.#fill()) {
        await this.#sendPart();
        if (this.#stopped.signal.aborted) return;
      }
      this.progress.value = this.#now = { ...this.#now, part: 1 };
      this.state.value = 'done';
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.problem.value = problemIn(error);
      this.state.value = 'failed';
    }
  }

  /** Reads rows up to a part's size. @returns whether there are any */
  async #fill(): Promise<boolean> {
    while (this.#waiting.length < rowsAPart) {
      if (this.#unreadableFile !== undefined) throw this.#unreadableFile;
      const { value, done } = await this.#rows.next().catch((error: unknown) => {
        throw (this.#unreadableFile = error);
      });
      if (done === true) break;
      if ('wrong' in value) this.#refuse(value, value.field ?? '', value.wrong);
      else this.#waiting.push(value);
    }
    return this.#waiting.length > 0;
  }

  async #sendPart(): Promise<void> {
    const part = this.#waiting;
    const body = part.map((row) => `${JSON.stringify('user' in row ? { user: row.user } : {})}\n`).join('');
    const headers = { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson' };
    try {
      const response = await send('POST', `v1/users:import${this.#parameters}`, {
        body,
        headers,
        signal: this.#stopped.signal,
      });
      for await (const result of jsonLines<ImportResultJson>(response)) this.#answered(result);
    } catch (error) {
      this.#unreadable(error, part);
    }
  }

  #answered({ outcome, field = '', message = '' }: ImportResultJson): void {
    const row = this.#waiting[0];
    if (row === undefined) return;
    this.#waiting = this.#waiting.slice(1);
    if (outcome === 'OUTCOME_FAILED') return this.#refuse(row, field.replace(/^users?(\[\d+\])?\./, ''), message);
    const name = outcome === 'OUTCOME_CREATED' ? 'created' : outcome === 'OUTCOME_UPDATED' ? 'updated' : 'unchanged';
    this.#now = { ...this.#now, part: this.#part(row), [name]: this.#now[name] + 1 };
    this.#show();
  }

  /** The service ends a part at a row that it cannot read. That row is refused, and what was not answered goes again. */
  #unreadable(error: unknown, part: readonly Row[]): void {
    if (this.#stopped.signal.aborted) return;
    const { status, detail, fieldViolations = [] } = problemIn(error);
    const row = part[Number(/^Line (\d+)/.exec(detail)?.[1] ?? 0) - 1];
    if (status !== 400 || row === undefined) throw error;
    this.#waiting = this.#waiting.filter((each) => each !== row);
    const [violation] = fieldViolations;
    this.#refuse(row, violation?.field.split('.').at(-1) ?? '', violation?.description ?? detail);
  }

  #refuse(row: Row, field: string, why: string): void {
    const before = this.refused.findLastIndex(({ line }) => line < row.line);
    this.refused.splice(before + 1, 0, { line: row.line, field, why });
    this.#now = { ...this.#now, part: this.#part(row), failed: this.refused.length };
    this.#show();
  }

  #part({ end }: Row): number {
    return this.#file.size === 0 ? 1 : Math.min(1, end / this.#file.size);
  }
}
