import { type Environment, readWhole } from '@rollcall/environment';
import type { CallerLimits } from '../rates/caller-rates.ts';

/** What callers may take when nothing else is said. */
export const defaultCallerLimits: CallerLimits = {
  callsPerCaller: { perSecond: 1000, burst: 2000 },
  writesPerCaller: { perSecond: 100, burst: 1000 },
  callsPerAddress: { perSecond: 10, burst: 100 },
  streamsPerCaller: 100,
};

/**
 * Reads `TUTORIAL_USER_ID`: the user that the tutorials' clients act as, which know no credentials.
 *
 * @returns undefined when they act as nobody
 * @throws Error that names the variable
 */
export function readTutorialUserId(env: Environment): string | undefined {
  const value = env['TUTORIAL_USER_ID'];
  if (!value) return undefined;
  if (!/^[1-9]\d{0,18}$/.test(value)) throw new Error(`TUTORIAL_USER_ID: "${value}" is no id of a user`);
  return value;
}

const max = 1_000_000;

/**
 * Reads what callers may take: `CALLER_CALLS_PER_SECOND` and `CALLER_CALLS_BURST` for one that is signed in, of which
 * `CALLER_WRITES_PER_SECOND` (by default a tenth) and `CALLER_WRITES_BURST` (by default half) may change something;
 * `ADDRESS_CALLS_PER_SECOND` and `ADDRESS_CALLS_BURST` for the calls of an address that are not, and `CALLER_STREAMS`.
 *
 * @throws Error that names the variable whose value is wrong
 */
export function readCallerLimits(env: Environment): CallerLimits {
  const { callsPerCaller, callsPerAddress, streamsPerCaller } = defaultCallerLimits;
  const calls = {
    perSecond: readWhole(env, 'CALLER_CALLS_PER_SECOND', callsPerCaller.perSecond, max),
    burst: readWhole(env, 'CALLER_CALLS_BURST', callsPerCaller.burst, max),
  };
  return Object.freeze({
    callsPerCaller: calls,
    writesPerCaller: {
      perSecond: readWhole(env, 'CALLER_WRITES_PER_SECOND', Math.ceil(calls.perSecond / 10), max),
      burst: readWhole(env, 'CALLER_WRITES_BURST', Math.ceil(calls.burst / 2), max),
    },
    callsPerAddress: {
      perSecond: readWhole(env, 'ADDRESS_CALLS_PER_SECOND', callsPerAddress.perSecond, max),
      burst: readWhole(env, 'ADDRESS_CALLS_BURST', callsPerAddress.burst, max),
    },
    streamsPerCaller: readWhole(env, 'CALLER_STREAMS', streamsPerCaller, max),
  });
}
