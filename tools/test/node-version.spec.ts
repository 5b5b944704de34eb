import { expect, test } from 'vitest';
// @ts-expect-error -- the tools are plain JavaScript
import { complaint } from '../node-version.mjs';

const complain = complaint as (version: string, comesAlong: boolean) => string | undefined;

test.each([
  ['18.20.8', true, 'Rollcall needs Node 20 or later to start with; this is 18.20.8.'],
  ['20.20.2', true, undefined],
  ['22.23.5', true, undefined],
  ['24.22.3', true, undefined],
  ['22.23.5', false, 'Rollcall needs Node 24 or later on this platform; this is 22.23.5.'],
  ['24.22.3', false, undefined],
  ['100.0.0', false, undefined],
])('says of Node %s, where one comes along: %s, what is missing', (version, comesAlong, sentence) => {
  expect(complain(version, comesAlong)).toBe(sentence);
});
