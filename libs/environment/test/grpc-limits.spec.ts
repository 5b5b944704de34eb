import { describe, expect, it } from 'vitest';
import { defaultLimits } from '@rollcall/grpc';
import { readDrainMs, readServerLimits } from '../src/grpc-limits.ts';

describe('the limits of a server', () => {
  it('are the defaults where the environment says nothing, and an empty variable says nothing', () => {
    expect(readServerLimits({ GRPC_MAX_DEADLINE_MS: '' })).toEqual(defaultLimits);
    expect(readDrainMs({})).toBe(10_000);
  });

  it('come from the environment', () => {
    const limits = readServerLimits({ GRPC_MAX_CALLS_PER_CONNECTION: '5', GRPC_KEEPALIVE_TIME_MS: '2147483647' });
    expect(limits).toEqual({ ...defaultLimits, maxCallsPerConnection: 5, keepaliveTimeMs: 2_147_483_647 });
    expect(readDrainMs({ DRAIN_MS: '1' })).toBe(1);
  });

  it.each([
    ['GRPC_MAX_MESSAGE_BYTES', '4MB'],
    ['GRPC_MAX_METADATA_BYTES', '-1'],
    ['GRPC_MAX_CALLS_PER_CONNECTION', '0'],
    ['GRPC_STREAM_IDLE_MS', '1e3'],
    ['GRPC_MAX_CONNECTION_AGE_MS', '2147483648'],
    ['GRPC_RESET_GRACE_MS', ' 5'],
    ['GRPC_KEEPALIVE_TIMEOUT_MS', '1.5'],
  ])('of %s=%s cannot be read, and the error says so', (name, value) => {
    expect(() => readServerLimits({ [name]: value })).toThrow(
      `${name}: "${value}" is no whole number from 1 to 2147483647`,
    );
  });

  it('do not have a default that is more than the most', () => {
    expect(() => readServerLimits({ GRPC_MAX_DEADLINE_MS: '29999' })).toThrow(
      'GRPC_DEFAULT_DEADLINE_MS: 30000 is more than GRPC_MAX_DEADLINE_MS, 29999',
    );
    expect(() => readDrainMs({ DRAIN_MS: 'soon' })).toThrow('DRAIN_MS');
  });
});
