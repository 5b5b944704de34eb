import type { Environment } from '@rollcall/grpc';
import type { CallerLimits } from './authorization.ts';

/** What callers may take when nothing else is said. */
export const defaultCallerLimits: CallerLimits = {
  callsPerCaller: { perSecond: 1000, burst: 2000 },
  callsPerAddress: { perSecond: 10, burst: 100 },
  streamsPerCaller: 100,
};

const most = 1_000_000;

/**
 * Reads what callers may take: `CALLER_CALLS_PER_SECOND` and `CALLER_CALLS_BURST` for one that is signed in,
 * `ADDRESS_CALLS_PER_SECOND` and `ADDRESS_CALLS_BURST` for the calls of an address that are not, and `CALLER_STREAMS`.
 *
 * @throws Error that names the variable whose value is wrong
 */
export function readCallerLimits(env: Environment): CallerLimits {
  const { callsPerCaller, callsPerAddress, streamsPerCaller } = defaultCallerLimits;
  return Object.freeze({
    callsPerCaller: {
      perSecond: readWhole(env, 'CALLER_CALLS_PER_SECOND', callsPerCaller.perSecond),
      burst: readWhole(env, 'CALLER_CALLS_BURST', callsPerCaller.burst),
    },
    callsPerAddress: {
      perSecond: readWhole(env, 'ADDRESS_CALLS_PER_SECOND', callsPerAddress.perSecond),
      burst: readWhole(env, 'ADDRESS_CALLS_BURST', callsPerAddress.burst),
    },
    streamsPerCaller: readWhole(env, 'CALLER_STREAMS', streamsPerCaller),
  });
}

function readWhole(env: Environment, name: string, fallback: number): number {
  const value = env[name] || String(fallback);
  if (!/^[1-9]\d{0,6}$/.test(value) || Number(value) > most)
    throw new Error(`${name}: "${value}" is no whole number from 1 to ${most}`);
  return Number(value);
}
