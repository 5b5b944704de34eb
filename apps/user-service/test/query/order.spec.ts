import { RpcError } from '@rollcall/grpc';
import { expect, test } from 'vitest';
import { type Order, parseOrder } from '../../src/query/order.ts';

/** An order as in SQL. */
function shown(order: Order): string {
  return order.map(({ column, descending }) => (descending ? `${column} desc` : column)).join(', ');
}

test.each([
  ['', 'id'],
  ['  ', 'id'],
  ['id desc', 'id desc'],
  ['name', 'name_key, id'],
  ['name desc', 'name_key desc, id desc'],
  [' email  asc ,age\tdesc', 'email_key, age desc, id desc'],
  ['age desc, createTime', 'age desc, create_time_ms, id'],
  ['type, id desc, name', 'type, id desc'],
  ['update_time, delete_time, purgeTime', 'update_time_ms, delete_time_ms, purge_time_ms, id'],
])('reads %j as %s', (orderBy, expected) => {
  expect(shown(parseOrder(orderBy))).toBe(expected);
});

test.each([
  ['field', 'name, colour', /^"colour" at position 7 is no field: the fields are id, name, /],
  ['field', '😀', /^"😀" at position 1 is no field/],
  ['field', 'Name', /^"Name" at position 1 is no field/],
  ['field', 'create_time, name, createTime desc', /^"createTime" at position 20 names a field for the second time$/],
  ['field', 'id, name, name', /^"name" at position 11 names a field for the second time$/],
  ['syntax', 'name DESC', /^"DESC" at position 6 comes where asc, desc or a comma is expected$/],
  ['syntax', 'name desc age', /^"age" at position 11 comes where a comma is expected$/],
  ['syntax', 'name,, age', /^"," at position 6 comes where a field is expected$/],
  ['syntax', 'name, ', /^the end at position 7 comes where a field is expected$/],
  ['syntax', ',', /^"," at position 1 comes where a field is expected$/],
])('says which %s is wrong in %j', (fault, orderBy, description) => {
  const refused = expect.objectContaining({
    reason: 'INVALID_FIELD',
    details: {
      violations: [{ field: 'order_by', description: expect.stringMatching(description), reason: `order_by.${fault}` }],
    },
  });
  expect(() => parseOrder(orderBy)).toThrow(RpcError);
  expect(() => parseOrder(orderBy)).toThrow(refused);
});
