import { describe, expect, it } from 'vitest';
import { accepts, preferredCoding, preferredType } from '../../src/response/negotiation.ts';

const types = ['application/x-ndjson', 'text/event-stream', 'application/json'] as const;

describe('Accept', () => {
  it.each<readonly [accept: string | undefined, type: (typeof types)[number] | undefined]>([
    [undefined, 'application/x-ndjson'],
    ['', 'application/x-ndjson'],
    [',', 'application/x-ndjson'],
    [' , ,\t', 'application/x-ndjson'],
    ['*/*', 'application/x-ndjson'],
    ['application/*', 'application/x-ndjson'],
    ['text/*', 'text/event-stream'],
    ['application/json', 'application/json'],
    ['APPLICATION/JSON', 'application/json'],
    ['application/json;charset=utf-8', 'application/json'],
    ['application/json; charset=UTF-8', 'application/json'],
    ['application/json;charset="utf-8"', 'application/json'],
    ['application/json;version=1', 'application/json'],
    ['application/xml;q=0.9, application/json;version=1;q=0.1', 'application/json'],
    ['application/json, text/event-stream', 'application/json'],
    ['text/event-stream, application/json', 'text/event-stream'],
    ['application/json;q=0.9, text/event-stream', 'text/event-stream'],
    ['application/x-ndjson;q=0, */*', 'text/event-stream'],
    ['*/*, application/x-ndjson;q=0', 'text/event-stream'],
    ['application/x-ndjson;q=0.0, */*', 'text/event-stream'],
    ['application/x-ndjson; Q=0, */*', 'text/event-stream'],
    ['application/x-ndjson ; q=0 , */*', 'text/event-stream'],
    ['application/x-ndjson;q=0.1, */*;q=0.9', 'text/event-stream'],
    ['application/*;q=0, */*', 'text/event-stream'],
    ['application/*;q=0, application/json;q=0.001, */*;q=0', 'application/json'],
    ['*/*;q=0.1, application/*;q=0.5, application/json;q=0.9', 'application/json'],
    ['text/*;q=0.3, text/event-stream;q=0.7, */*;q=0.5', 'text/event-stream'],
    ['text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8', 'application/x-ndjson'],
    ['text/html', undefined],
    ['application/json;q=0', undefined],
    ['*/*;q=0', undefined],
    ['application/json;q=0, application/x-ndjson;q=0, text/event-stream;q=0', undefined],
    ['application/json;q=much', undefined],
    ['json', undefined],
  ])('%s takes %s', (accept, type) => {
    expect(preferredType(accept, types)).toBe(type);
  });

  it('lets one type through or does not', () => {
    for (const accept of [undefined, '', '*/*', 'application/json', 'application/*;q=0.1, text/html'])
      expect(accepts(accept, 'application/json'), accept).toBe(true);
    for (const accept of ['application/json;q=0, */*', 'text/html', 'application/*;q=0'])
      expect(accepts(accept, 'application/json'), accept).toBe(false);
  });
});

describe('Accept-Encoding', () => {
  it.each<readonly [accepted: string | undefined, coding: string | undefined]>([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip, deflate, br', 'br'],
    ['gzip;q=1, br;q=0.1', 'gzip'],
    ['identity;q=1, br;q=0.5', 'identity'],
    ['br;q=0.5, identity;q=1', 'identity'],
    ['*', 'br'],
    ['*;q=0.5, identity;q=0.1', 'br'],
    ['br;q=0, *', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0.000, gzip;q=0.0', 'identity'],
    ['BR', 'br'],
    ['x-gzip', 'gzip'],
    ['zstd, compress', 'identity'],
    ['gzip;q=0.5', 'gzip'],
    ['identity;q=0', undefined],
    ['*;q=0', undefined],
    ['identity;q=0, gzip;q=0.001', 'gzip'],
    ['*;q=0, br', 'br'],
  ])('%s takes %s', (accepted, coding) => {
    expect(preferredCoding(accepted, ['br', 'gzip', 'identity'])).toBe(coding);
  });
});
