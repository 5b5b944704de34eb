import { signal } from '@preact/signals';
import type { ListUsersResponseJson, WatchEventJson } from '@rollcall/proto/json';
import { call, query as parametersOf } from '../../calls/call.ts';
import { type Problem, problemIn } from '../../calls/problem.ts';
import { coalesced } from '../../parts/coalesced.ts';
import { compare, filterOf, matches, orderOf, type Query } from '../query.ts';
import { type User, wholeUser } from './user.ts';

const pageSize = 200;

/** Where the list of a query stands. */
export type ListState = 'loading' | 'more' | 'complete' | 'failed';

/** The users of a query, as far as they were asked for, kept as they are by the changes that a watch tells. */
export class UserList {
  /** Sorted. It is changed in place, for it may be long: `version` tells. */
  readonly users: User[] = [];
  readonly version = signal(0);
  readonly state = signal<ListState>('loading');
  readonly total = signal<number | undefined>(undefined);
  readonly problem = signal<Problem | undefined>(undefined);
  /** Whose rows have just changed. */
  readonly fresh = new Set<string>();
  readonly query: Query;
  readonly #ids = new Map<string, User>();
  readonly #given = new AbortController();
  readonly #show = coalesced(() => (this.version.value += 1));
  #token = '';
  #loading = false;

  constructor(query: Query) {
    this.query = query;
    void this.loadMore();
  }

  close(): void {
    this.#given.abort();
  }

  /** How many there are, as far as it is known. */
  count(): number | undefined {
    return this.state.value === 'complete' ? this.users.length : this.total.value;
  }

  /** Gets the next page, unless it is under way or there is none. */
  async loadMore(): Promise<void> {
    if (this.#loading || this.state.value === 'complete') return;
    this.#loading = true;
    this.state.value = 'loading';
    this.problem.value = undefined;
    const first = this.#token === '';
    const parameters = parametersOf({
      pageSize,
      filter: filterOf(this.query),
      orderBy: orderOf(this.query),
      showDeleted: this.query.type === 'DELETED',
      showTotal: first,
      pageToken: this.#token,
    });
    try {
      const { signal: until } = this.#given;
      const page = await call<ListUsersResponseJson>('GET', `v1/users${parameters}`, { signal: until });
      if (until.aborted) return;
      for (const user of page.users ?? []) this.#place(wholeUser(user));
      if (page.totalSize !== undefined) this.total.value = Number(page.totalSize);
      this.#token = page.nextPageToken ?? '';
      this.state.value = this.#token === '' ? 'complete' : 'more';
    } catch (error) {
      if (this.#given.signal.aborted) return;
      this.problem.value = problemIn(error);
      this.state.value = 'failed';
    } finally {
      this.#loading = false;
      this.version.value += 1;
    }
  }

  /** Takes a change that was watched in. */
  change({ kind, before, after }: WatchEventJson): void {
    if (kind === 'KIND_CHECKPOINT' || after === undefined) return;
    const now = wholeUser(after);
    const was = before !== undefined && matches(this.query, wholeUser(before));
    const change = Number(matches(this.query, now)) - Number(was);
    if (this.total.value !== undefined) this.total.value = Math.max(0, this.total.value + change);
    this.put(now);
  }

  /** Takes a user in as the service has it now, such as the answer to a change of one's own, which the watch tells, too. */
  put(user: User): void {
    const known = this.#ids.get(user.id);
    if (known?.etag === user.etag && known.deleteTime === user.deleteTime) return;
    if (known !== undefined && Date.parse(known.updateTime ?? '') > Date.parse(user.updateTime ?? '')) return;
    this.#remove(user.id);
    const last = this.users.at(-1);
    const reached = this.state.value === 'complete' || (last !== undefined && compare(this.query, user, last) < 0);
    if (matches(this.query, user) && reached) {
      this.#place(user);
      this.fresh.add(user.id);
      setTimeout(() => this.fresh.delete(user.id), 2500);
    }
    this.#show();
  }

  #place(user: User): void {
    this.#remove(user.id);
    this.#ids.set(user.id, user);
    this.users.splice(this.#indexFor(user), 0, user);
  }

  #remove(id: string): void {
    const known = this.#ids.get(id);
    if (known === undefined) return;
    this.#ids.delete(id);
    const index = this.users.indexOf(known, this.#indexFor(known));
    if (index >= 0) this.users.splice(index, 1);
  }

  /** Where a user belongs; at the end for most, which pages bring in order. */
  #indexFor(user: User): number {
    let [low, high] = [0, this.users.length];
    const last = this.users[high - 1];
    if (last === undefined || compare(this.query, last, user) < 0) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.users[middle];
      if (at !== undefined && compare(this.query, at, user) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
