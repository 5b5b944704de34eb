import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { user } from '@rollcall/proto';
import { callerUnconfirmed, credentialInvalid } from '../errors/access-errors.ts';
import type { CredentialKind } from './caller.ts';

/** Whom a credential stands for. */
export interface KnownCaller {
  /** `0` when the directory has no such user. */
  readonly userId: string;
  /** Unspecified when the directory has no such live user. */
  readonly type: user.UserType;
  readonly credential: CredentialKind;
  /** When the credential expires, in milliseconds since the epoch. */
  readonly expiresMs: number;
}

/** Where it is known whom credentials stand for, now. It has an answer for each; the error of one is the answer for it. */
export type LookUpCallers = (credentials: readonly string[]) => Promise<readonly (KnownCaller | RpcError)[]>;

/** A call that goes on only as long as its caller may make it. */
export interface OpenCall {
  /** The credential has another meaning, or none, which is an error. */
  recheck(known: KnownCaller | RpcError): void;
}

interface Entry {
  known: KnownCaller;
  /** When its lookup began, and when it was last asked for, by `performance.now()`. */
  checkedAt: number;
  usedAt: number;
  readonly calls: Set<OpenCall>;
}

/** How often what is in use is looked up again, in milliseconds. */
const refreshMs = 750;

/** How old an answer may be, in milliseconds: what changes in the directory holds within two seconds. */
const freshMs = 1750;

/**
 * How long a call goes on whose caller cannot be looked up: while the directory is away, and when it refuses to answer,
 * in milliseconds. Then the call ends, for its rights may be gone.
 */
const awayMs = 60_000;
const refusedMs = 5000;

/** How long a credential is remembered that nobody uses, in milliseconds. */
const keptMs = 10_000;

/** How many credentials are looked up at a time. */
const batch = 500;

/** How many credentials are remembered, beside those of open calls. */
const maxEntries = 50_000;

/**
 * Whom credentials stand for. Those in use are looked up again all the time, so that a call seldom waits for it, and a
 * change ends the open calls that it no longer permits.
 */
export class CallerCache {
  readonly #lookUp: LookUpCallers;
  readonly #entries = new Map<string, Entry>();
  #asked = new Map<string, PromiseWithResolvers<KnownCaller>>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(lookUp: LookUpCallers) {
    this.#lookUp = lookUp;
  }

  /** Looks up in the background what is in use, until it is closed. */
  start(): this {
    this.#schedule();
    return this;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Whom a credential stands for, if that is known and fresh. @throws RpcError CREDENTIAL_INVALID when it has expired */
  known(credential: string): KnownCaller | undefined {
    const entry = this.#entries.get(credential);
    const now = performance.now();
    if (entry === undefined || now - entry.checkedAt > freshMs) return undefined;
    if (entry.known.expiresMs <= Date.now()) throw credentialInvalid('it has expired');
    entry.usedAt = now;
    return entry.known;
  }

  /** Whom a credential stands for. @throws RpcError what the lookup says of it */
  find(credential: string): Promise<KnownCaller> {
    let asked = this.#asked.get(credential);
    if (asked === undefined) {
      if (this.#asked.size === 0) setImmediate(() => void this.#answer()); // with all that are asked for in this turn
      this.#asked.set(credential, (asked = Promise.withResolvers()));
    }
    return asked.promise;
  }

  /** A call goes on as long as its caller may make it. @returns what ends that */
  open(credential: string, known: KnownCaller, call: OpenCall): () => void {
    let entry = this.#entries.get(credential);
    if (entry === undefined) {
      entry = { known, checkedAt: -Infinity, usedAt: performance.now(), calls: new Set() };
      this.#entries.set(credential, entry);
    }
    const { calls, known: current } = entry;
    calls.add(call);
    // It may have changed between the admission and the beginning of the call, which cannot be ended before it has begun.
    if (current !== known) queueMicrotask(() => call.recheck(current));
    return () => {
      calls.delete(call);
    };
  }

  async #answer(): Promise<void> {
    const asked = this.#asked;
    this.#asked = new Map();
    const startedAt = performance.now();
    try {
      const found = await this.#lookUp([...asked.keys()]);
      [...asked].forEach(([credential, { resolve, reject }], index) => {
        const answer = found[index];
        if (answer === undefined || answer instanceof RpcError) reject(answer ?? new Error('a lookup has no answer'));
        else resolve(this.#remember(credential, answer, startedAt));
      });
    } catch (error) {
      for (const { reject } of asked.values()) reject(error);
    }
  }

  #remember(credential: string, known: KnownCaller, startedAt: number): KnownCaller {
    const entry = this.#entries.get(credential);
    if (entry !== undefined) {
      this.#update(entry, known, startedAt);
      entry.usedAt = startedAt;
      return known;
    }
    if (this.#entries.size >= maxEntries) this.#forget(-Infinity);
    this.#entries.set(credential, { known, checkedAt: startedAt, usedAt: startedAt, calls: new Set() });
    return known;
  }

  #update(entry: Entry, known: KnownCaller, startedAt: number): void {
    const before = entry.known;
    entry.known = known;
    entry.checkedAt = startedAt;
    if (before.type !== known.type || before.userId !== known.userId)
      for (const call of entry.calls) call.recheck(known);
  }

  /** Forgets what was not used since; with -Infinity, the oldest half of what no call is open for. */
  #forget(since: number): void {
    let max = since === -Infinity ? this.#entries.size / 2 : Infinity;
    for (const [credential, { usedAt, calls }] of this.#entries) {
      if (max <= 0) return;
      if (calls.size > 0 || (usedAt >= since && since !== -Infinity)) continue;
      this.#entries.delete(credential);
      max -= 1;
    }
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void this.#refresh().finally(() => this.#schedule());
    }, refreshMs).unref();
  }

  async #refresh(): Promise<void> {
    this.#forget(performance.now() - keptMs);
    const entries = [...this.#entries].filter(
      ([, { usedAt, calls }]) => calls.size > 0 || performance.now() - usedAt < freshMs,
    );
    for (let start = 0; start < entries.length; start += batch) {
      const some = entries.slice(start, start + batch);
      const startedAt = performance.now();
      let found: readonly (KnownCaller | RpcError)[];
      try {
        found = await this.#lookUp(some.map(([credential]) => credential));
      } catch (error) {
        // Calls that come meanwhile ask themselves, and hear why there is no answer.
        for (const [credential, entry] of some) this.#lose(credential, entry, error);
        continue;
      }
      some.forEach(([credential, entry], index) => {
        const answer = found[index];
        if (answer instanceof RpcError) this.#refuse(credential, entry, answer);
        else if (answer !== undefined && answer.expiresMs <= Date.now())
          this.#refuse(credential, entry, credentialInvalid('it has expired'));
        else if (answer !== undefined) this.#update(entry, answer, startedAt);
      });
    }
  }

  #refuse(credential: string, entry: Entry, error: RpcError): void {
    if (error.reason !== 'CREDENTIAL_INVALID') return this.#lose(credential, entry, error); // it is not known
    this.#entries.delete(credential);
    for (const call of entry.calls) call.recheck(error);
  }

  /** Ends the calls of a credential of which it has not been known for too long whom it stands for. */
  #lose(credential: string, entry: Entry, error: unknown): void {
    if (entry.checkedAt === -Infinity) entry.checkedAt = performance.now() - freshMs;
    const isAway =
      !(error instanceof RpcError) || error.code === Status.UNAVAILABLE || error.code === Status.DEADLINE_EXCEEDED;
    if (performance.now() - entry.checkedAt < (isAway ? awayMs : refusedMs)) return;
    this.#entries.delete(credential);
    for (const call of entry.calls) call.recheck(callerUnconfirmed());
  }
}
