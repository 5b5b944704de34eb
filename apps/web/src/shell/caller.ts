import { computed, signal } from '@preact/signals';
import type { GetCallerResponseJson } from '@rollcall/proto/json';
import { backoffMs } from '../calls/backoff.ts';
import { call, send, whenRefused } from '../calls/call.ts';
import { type Problem, problemIn } from '../calls/problem.ts';

/** Who uses the page; undefined until that is known. */
export const caller = signal<GetCallerResponseJson | undefined>(undefined);
/** Why it is not known yet. */
export const callerProblem = signal<Problem | undefined>(undefined);
/** The id of the caller: `0` is the local administrator, or nobody. */
export const callerId = computed(() => caller.value?.user?.id ?? '0');
export const protectedMode = computed(() => caller.value?.protectedMode === true);

const permitted = computed(() => new Set(caller.value?.permittedMethods));
const onOwnRecord = computed(() => new Set(caller.value?.ownRecordMethods));

/** Whether the caller may call a method, such as `user.v1.UserService.CreateUser`. What nobody may do is not offered. */
export function may(method: string): boolean {
  return permitted.value.has(`rollcall.${method}`);
}

/** Whether the caller may call a method on the record of a user. */
export function mayOn(method: string, userId: string): boolean {
  return may(method) || (userId === callerId.value && onOwnRecord.value.has(`rollcall.${method}`));
}

let asking: Promise<void> | undefined;

/** Asks who the caller is, until it is known. */
export function findCaller(): Promise<void> {
  asking ??= ask().finally(() => (asking = undefined));
  return asking;
}

async function ask(): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    try {
      caller.value = await call<GetCallerResponseJson>('GET', 'v1/caller');
      callerProblem.value = undefined;
      return;
    } catch (error) {
      const problem = problemIn(error);
      if (problem.status === 401) return forget();
      callerProblem.value = problem;
      await new Promise((resolve) => setTimeout(resolve, backoffMs(failures)));
    }
  }
}

/** The session in the cookie is over: without it, the server tells how one signs in. */
async function forget(): Promise<void> {
  await send('DELETE', 'session').catch(() => undefined); // the cookie may stay, and is refused again
  caller.value = await call<GetCallerResponseJson>('GET', 'v1/caller').catch((error: unknown) => {
    callerProblem.value = problemIn(error);
    return { localSignIn: true };
  });
}

/** Signs in by what stands behind the `#` of a link. @throws CallError */
export async function signIn(secret: string): Promise<void> {
  await send('POST', 'session', { body: { secret } });
  await findCaller();
}

/** Signs out. @throws CallError */
export async function signOut(): Promise<void> {
  await send('DELETE', 'session');
  await findCaller();
}

whenRefused(() => void findCaller());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void findCaller(); // rights may have changed, and sessions end
});
