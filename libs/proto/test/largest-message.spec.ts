import { describe, expect, it } from 'vitest';
import { largestMessage } from '@rollcall/contract';
import { rollcallContract } from '../src/contracts.ts';

const input = (path: string) => {
  const method = rollcallContract.methods.get(path);
  if (method === undefined) throw new Error(`there is no ${path}`);
  return method.input;
};

describe('the largest message that the rules of a proto allow', () => {
  it.each([
    ['has no fields', '/rollcall.access.v1.AccessService/GetCaller', 0, 0],
    ['has a string of a bounded length', '/rollcall.access.v1.AccessService/CreateSession', 400, 2000],
    ['has numbers', '/rollcall.user.v1.UserService/GetUser', 10, 1000],
    ['has a list of a bounded length', '/rollcall.user.v1.UserService/BatchGetUsers', 10_000, 100_000],
  ])('is known when it %s', (_, path, least, max) => {
    expect(largestMessage(input(path))).toBeGreaterThanOrEqual(least);
    expect(largestMessage(input(path))).toBeLessThanOrEqual(max);
  });

  it('is not known when it has a string without a bound', () => {
    expect(largestMessage(input('/grpc.health.v1.Health/Check'))).toBe(Infinity);
  });
});
