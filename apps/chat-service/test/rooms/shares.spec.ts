import { expect, test } from 'vitest';
import { RoomShares } from '../../src/rooms/shares.ts';

const hourMs = 60 * 60 * 1000;

test('lets each user make some rooms in an hour, and says when there may be more', () => {
  let now = 0;
  const shares = new RoomShares(3, () => now);
  for (let room = 0; room < 3; room += 1, now += 1000) shares.take('7');
  expect(() => shares.take('7')).toThrow(
    expect.objectContaining({ reason: 'TOO_MANY_ROOMS', message: expect.stringContaining('You have made 3 rooms') }),
  );
  shares.take('8');
  now = hourMs - 1;
  expect(() => shares.take('7')).toThrow('3 rooms');
  now = hourMs;
  shares.take('7');
  expect(() => shares.take('7')).toThrow('3 rooms');
});
