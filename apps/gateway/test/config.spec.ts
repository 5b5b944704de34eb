import { expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

it('has defaults for everything', () => {
  expect(readConfig({})).toEqual({
    listen: '127.0.0.1:3000',
    userTarget: '127.0.0.1:50051',
    corsOrigins: [],
    logLevels: ['fatal', 'error', 'warn', 'log'],
    drainMs: 10_000,
  });
});

it('finds user-service where it listens, unless it is told', () => {
  expect(readConfig({ USER_LISTEN: 'unix:///u.sock' }).userTarget).toBe('unix:///u.sock');
  expect(readConfig({ USER_LISTEN: 'x:1', USER_TARGET: 'dns:///users:50051' }).userTarget).toBe('dns:///users:50051');
});

it.each([
  ['GATEWAY_LISTEN', '0.0.0.0:3000'],
  ['GATEWAY_LISTEN', '3000'],
  ['CORS_ORIGINS', 'app.example.com'],
  ['CORS_ORIGINS', 'https://app.example.com/path'],
  ['LOG_LEVEL', 'loud'],
  ['DRAIN_MS', 'soon'],
])('names %s when its value is "%s"', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name}: "`));
});
