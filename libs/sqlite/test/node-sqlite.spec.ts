import { expect, test } from 'vitest';
import { NodeSqlite } from '../src/node-sqlite.ts';

test('rows have the columns that their table has by then', () => {
  const database = new NodeSqlite(':memory:');
  database.prepare('create table users (id integer primary key, name text) strict').run([]);
  database.prepare('insert into users values (?, ?)').run([2n ** 60n, 'Ann']);
  const all = 'select * from users';
  expect(database.prepare(all).all([])).toEqual([{ id: 2n ** 60n, name: 'Ann' }]);
  database.prepare("alter table users add column email text not null default ''").run([]);
  expect(database.prepare(all).all([])).toEqual([{ id: 2n ** 60n, name: 'Ann', email: '' }]);
  expect([...database.prepare(all).iterate([])]).toEqual(database.prepare(all).all([]));
  database.close();
});
