import { computed, effect, signal, untracked } from '@preact/signals';
import type { WatchEventJson } from '@rollcall/proto/json';
import { call, query as parametersOf } from '../calls/call.ts';
import { EventStream } from '../calls/event-stream.ts';
import { callerId, findCaller, may } from '../shell/caller.ts';
import { route } from '../shell/route.ts';
import { addressOf, type Query, queryOf } from './query.ts';
import { UserList } from './user/list.ts';
import type { User } from './user/user.ts';

const asked = computed(() =>
  route.value.view === 'directory' ? addressOf(queryOf(route.value.parameters)) : undefined,
);

/** What the address asks for. */
export const query = computed<Query>(() => queryOf(new URLSearchParams(asked.value?.split('?')[1])));
/** The list that is shown; undefined while another view is. */
export const list = signal<UserList | undefined>(undefined);
/** The changes of the directory; undefined while another view is shown: a tab has one stream at a time. */
export const watch = signal<EventStream<WatchEventJson> | undefined>(undefined);

/** Lists anew. */
export function refresh(): void {
  list.peek()?.close();
  list.value = new UserList(query.peek());
}

/** Keeps list and watch as the address and the caller's rights have them. */
export function followDirectory(): void {
  const shown = computed(() => asked.value !== undefined && may('user.v1.UserService.ListUsers'));
  effect(() => {
    if (shown.value && query.value !== list.peek()?.query) untracked(refresh);
    if (shown.value) return;
    list.peek()?.close();
    list.value = undefined;
  });
  effect(() => {
    if (!shown.value || !may('user.v1.UserService.WatchUsers')) return;
    const stream = new EventStream<WatchEventJson>({
      url: (resumeToken) => `v1/users:watch${parametersOf({ resumeToken })}`,
      onItem: (event) => {
        list.peek()?.change(event);
        if (event.after?.id === callerId.peek()) void findCaller(); // one's own name, or rights
      },
      onRefused: ({ status, reason }) => {
        if (reason === 'RESUME_TOKEN_GONE') refresh(); // what was missed is not known any more
        return status === 401 || status === 403 ? 'never' : reason === 'RESUME_TOKEN_GONE' ? 'afresh' : 'again';
      },
    });
    watch.value = stream;
    return () => {
      stream.close();
      watch.value = undefined;
    };
  });
}

/** Gets a user as the service has it now. @throws CallError */
export function getUser(id: string): Promise<User> {
  return call<User>('GET', `v1/users/${id}`);
}
