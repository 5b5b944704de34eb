import { expect, test } from 'vitest';
import { ReadEnvironment } from '../src/misspelt-variables.ts';

const read = ['DATABASE_URL', 'DATA_DIR', 'LOG_LEVEL', 'TLS_CERT', 'GRPC_MAX_MESSAGE_BYTES'];

test.each([
  ['DATABASE_URI', 'DATABASE_URL'],
  ['DATABSE_URL', 'DATABASE_URL'],
  ['database_url', 'DATABASE_URL'],
  ['DATADIR', 'DATA_DIR'],
  ['LOG_LEVL', 'LOG_LEVEL'],
  ['GRPC_MAX_MESSAGES_BYTE', 'GRPC_MAX_MESSAGE_BYTES'],
])('asks whether %s is meant for %s', (name, meant) => {
  const environment = new ReadEnvironment({ [name]: 'secret' });
  for (const each of read) expect(environment.env[each]).toBeUndefined();
  expect(environment.hints()).toEqual([`${name} is not read: is ${meant} meant?`]);
});

test('is silent on what is read, and on what is for somebody else', () => {
  const others = { HOME: '/', PGDATA: '/', TLS_KEYLOG: 'x', GRPC_TRACE: 'all', USER_SERVICE_HOST: 'x', NODE_ENV: 'x' };
  const environment = new ReadEnvironment({ DATABASE_URL: 'x', ...others });
  for (const each of read) expect(environment.env[each]).toBe(each === 'DATABASE_URL' ? 'x' : undefined);
  expect(environment.hints()).toEqual([]);
});
