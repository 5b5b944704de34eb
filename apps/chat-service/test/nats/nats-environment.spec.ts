import { expect, test } from 'vitest';
import { readNats } from '../../src/nats/nats-environment.ts';

test('there is no NATS when NATS_URL is not set', () => {
  expect(readNats({})).toBeUndefined();
  expect(readNats({ NATS_URL: '', NATS_REPLICAS: '7' })).toBeUndefined();
});

test('reads where NATS is, and who we are there', () => {
  expect(readNats({ NATS_URL: 'nats://localhost:4333' })).toEqual({
    servers: ['localhost:4333'],
    tls: false,
    user: undefined,
    password: undefined,
    replicas: 1,
    prefix: 'rollcall',
  });
  expect(
    readNats({
      NATS_URL: 'tls://ada:p%40ss@a.example,tls://ada:p%40ss@[::1]:5/',
      NATS_REPLICAS: '3',
      NATS_PREFIX: 'chat-2',
    }),
  ).toEqual({
    servers: ['a.example:4222', '[::1]:5'],
    tls: true,
    user: 'ada',
    password: 'p@ss',
    replicas: 3,
    prefix: 'chat-2',
  });
});

test('refuses what is no URL of NATS, names the variable, and does not show the value', () => {
  for (const url of [
    'localhost:4222',
    'http://ada:secret@localhost',
    'nats://',
    'nats://ada:secret@',
    'nats://ada:secret@host:port',
    'nats://ada:sec/ret@host',
    'nats://secret@host',
    'nats://ada:%secret@host',
    'nats://ada:secret@host?tls=1',
    'nats://ada:secret@host,',
    'nats://ada:secret@host,tls://ada:secret@host',
    'nats://ada:secret@host,nats://host',
  ]) {
    expect(() => readNats({ NATS_URL: url })).toThrow(/^NATS_URL: /);
    expect(() => readNats({ NATS_URL: url })).not.toThrow(/secret/);
  }
});

test('refuses a number of replicas that NATS does not keep', () => {
  for (const replicas of ['0', '2', '4', '6', '1.5', 'three'])
    expect(() => readNats({ NATS_URL: 'nats://host', NATS_REPLICAS: replicas })).toThrow(/^NATS_REPLICAS: /);
});

test('refuses a prefix that cannot stand in a subject', () => {
  for (const prefix of ['a.b', 'A', '*', 'a b', '-a', 'x'.repeat(33)])
    expect(() => readNats({ NATS_URL: 'nats://host', NATS_PREFIX: prefix })).toThrow(/^NATS_PREFIX: /);
});
