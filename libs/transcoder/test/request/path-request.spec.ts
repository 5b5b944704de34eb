import { fromBinary } from '@bufbuild/protobuf';
import { rollcallContract } from '@rollcall/proto';
import { testingContract } from '@rollcall/contract/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindingsOf } from '@rollcall/contract';
import { PathRequests } from '../../src/request/path-request.ts';
import { RequestReader } from '../../src/request/reader.ts';
import { conventionsOf } from '../../src/conventions/aip.ts';

const bindings = [rollcallContract, testingContract].flatMap(({ registry, methods }) =>
  [...methods.values()].flatMap(bindingsOf).map((binding) => ({ registry, binding })),
);
const written = bindings.filter(({ binding }) => PathRequests.of(binding) !== undefined);

function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

describe('a request that is all in its path', () => {
  it('is written at once for methods that get a thing by its id', () => {
    const names = written.map(({ binding }) => `${binding.verb} ${binding.template.source}`);
    expect(names).toContain('GET /v1/users/{id}');
    const get = written.find(({ binding }) => binding.template.source === '/v1/users/{id}');
    const parts = { segments: ['v1', 'users', '7'], query: [], headers: {} };
    expect(get && PathRequests.of(get.binding)?.write(parts)).toEqual(Buffer.from([8, 7]));
    expect(names).not.toContain('POST /v1/users');
    expect(names).not.toContain('GET /v1/users:batchGet');
  });

  it.each(written.map((each) => [each.binding.method.path, each] as const))(
    'of %s is what the reader of all requests makes, or left to it',
    (_, { binding, registry }) => {
      const reader = new RequestReader(binding, conventionsOf(binding, []), registry);
      const requests = PathRequests.of(binding);
      const values = fc.oneof(
        fc.nat().map(String),
        fc.bigInt({ min: 0n, max: 2n ** 64n }).map(String),
        fc.constantFrom('0', '007', '1e3', '-1', '', 'ada', '%41', 'ü', '999999999999999', '4294967296'),
        fc.string(),
      );
      fc.assert(
        fc.property(values, (value) => {
          const segments = binding.template.segments.map((segment) =>
            typeof segment === 'object' ? segment.literal : value,
          );
          const parts = { segments, query: [], headers: {} };
          const bytes = requests?.write(parts);
          if (bytes === undefined) return;
          const { input } = binding.method;
          expect(fromBinary(input, bytes)).toEqual(reader.read(parts, undefined, 'The body'));
        }),
      );
      const plain = binding.template.segments.map((segment) => (typeof segment === 'object' ? segment.literal : '7'));
      const valid = succeeds(() => reader.read({ segments: plain, query: [], headers: {} }, undefined, 'The body'));
      const atOnce = requests?.write({ segments: plain, query: [], headers: {} }) !== undefined;
      expect(valid || !atOnce).toBe(true);
      expect(requests?.write({ segments: plain, query: [['a', 'b']], headers: {} })).toBeUndefined();
      expect(requests?.write({ segments: plain, query: [], headers: {}, etag: 'x' })).toBeUndefined();
    },
  );
});
