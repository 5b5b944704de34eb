import { describe, expect, it } from 'vitest';
import { readTarget } from '../../src/routing/request-target.ts';
import { RouteTable } from '../../src/routing/route-table.ts';
import { parsePathTemplate } from '@rollcall/contract';

describe('a request target', () => {
  it.each([
    ['/', '/', undefined],
    ['/v1/users/1?a=b?c', '/v1/users/1?a=b?c', undefined],
    ['/a%20b%ce%bb?x=%', '/a%20b%ce%bb?x=%', undefined], // the query is read by the names in it
    ['http://example.com/v1/users?a=b', '/v1/users?a=b', 'example.com'],
    ['HTTPS://example.com:8443/', '/', 'example.com:8443'],
    ['http://example.com', '/', 'example.com'],
    ['http://example.com?a', '/?a', 'example.com'],
    ['http://example.com:/x', '/x', 'example.com:'],
    ['http://[::1]:3000//x', '//x', '[::1]:3000'],
  ])('%s is %s of %s', (target, url, host) => {
    expect(readTarget('GET', target)).toEqual(host === undefined ? { url } : { url, host });
  });

  it.each([
    '',
    '*',
    'v1/users',
    'example.com:443',
    'ftp://example.com/x',
    'http:/x',
    'http:///x',
    'http://a@example.com/x',
    'http://example.com:port/x',
    'http://[::1/x',
    'http://::1/x',
    'http://exa mple/x',
    'http://example.com/%',
    'http://example.com#x',
    '/x#y',
    '/%',
    '/%2',
    '/a%2z',
    '/%ff',
    '/%c0%ae',
    '/%ed%a0%80',
  ])('%s is none of a resource', (target) => {
    expect(readTarget('GET', target).fault).toMatch(/^The (target|path) /);
  });

  it('is the server as a whole when OPTIONS asks for an asterisk', () => {
    expect(readTarget('OPTIONS', '*')).toEqual({ url: '/', ofServer: true });
  });
});

describe('a path template', () => {
  it.each(['/%', '/%2', '/a%2z', '/a%', '/x:%'])('%s is refused for its escape', (template) => {
    expect(() => parsePathTemplate(template)).toThrow('path template');
  });

  it('may have escapes', () => {
    expect(parsePathTemplate('/a%2Fb/%c3%a9').segments).toEqual([{ literal: 'a%2Fb' }, { literal: '%c3%a9' }]);
  });
});

it('a custom verb that a path has for another verb is no part of an id', () => {
  const table = new RouteTable<{ verb: string; template: ReturnType<typeof parsePathTemplate> }>();
  for (const [verb, template] of [
    ['GET', '/v1/users/{id}'],
    ['PATCH', '/v1/users/{id}'],
    ['POST', '/v1/users/{id}:undelete'],
    ['GET', '/v1/rooms/{id}/notes:stream'],
  ] as const)
    table.add({ verb, template: parsePathTemplate(template) });
  expect(table.find('PATCH', '/v1/users/1:undelete')).toEqual({ allow: ['POST'] });
  expect(table.find('DELETE', '/v1/users/1:other')).toEqual({ allow: ['GET', 'HEAD', 'PATCH'] });
  expect(table.find('GET', '/v1/users/1:other')).toMatchObject({ segments: ['v1', 'users', '1:other'] });
  expect(table.find('POST', '/v1/rooms/a:b/notes:stream')).toEqual({ allow: ['GET', 'HEAD'] });
});
