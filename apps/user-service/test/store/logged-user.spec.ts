import { encodedForm } from '@rollcall/grpc';
import { codecsOf } from '@rollcall/contract';
import { rollcallContract } from '@rollcall/proto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeUsers, exportMessage } from '../../src/store/users/exported-users.ts';
import { decodeUser, encodeUser } from '../../src/store/users/logged-user.ts';
import { type Row, toUser } from '../../src/store/users/rows.ts';

const times = fc.oneof(
  fc.constantFrom(1n, 999n, 1000n, 1_700_000_000_000n),
  fc.bigInt({ min: 1n, max: 4_000_000_000_000n }),
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom('', 'é', 'é'.repeat(64), '😀'.repeat(200)),
);

const rows: fc.Arbitrary<Row> = fc.record({
  id: fc.oneof(
    fc.constantFrom(1n, 127n, 128n, 2n ** 49n, 2n ** 53n, 2n ** 56n, 2n ** 63n - 1n),
    fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
  ),
  name: texts,
  name_key: fc.constant(''),
  email: texts,
  email_key: fc.constant(''),
  age: fc.bigInt({ min: -1n, max: 150n }),
  type: fc.bigInt({ min: 1n, max: 4n }),
  create_time_ms: times,
  update_time_ms: times,
  delete_time_ms: fc.oneof(fc.constant(0n), times),
  purge_time_ms: fc.oneof(fc.constant(0n), times),
});

test('keeps a user in the log as the codec reads it', () => {
  fc.assert(
    fc.property(rows, (row) => {
      expect(decodeUser(encodeUser(row))).toEqual(toUser(row));
    }),
    { numRuns: 2000 },
  );
});

test('keeps nobody as no bytes', () => {
  expect(encodeUser(undefined)).toHaveLength(0);
  expect(decodeUser(encodeUser(undefined))).toBeNull();
});

test('writes a message of an export as the codec reads it', () => {
  const codec = codecsOf(rollcallContract).get('/rollcall.user.v1.UserService/ExportUsers');
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 3 }), fc.constantFrom('', 'AAAAAAAAAAAA'), (some, watchToken) => {
      const message = exportMessage(encodeUsers(some), watchToken);
      const bytes = (message as { readonly [encodedForm]?: Buffer })[encodedForm];
      expect(codec?.decodeResponse(bytes ?? Buffer.alloc(0))).toEqual({ users: some.map(toUser), watchToken });
      expect(message.users).toEqual(some.map(toUser));
      expect(message.watchToken).toBe(watchToken);
    }),
  );
});
