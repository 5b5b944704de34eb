import { expect, it, test } from 'vitest';
import { readPublicUrl } from '../../src/addresses/public-url.ts';

it('is the gateway on this machine when nothing else is said', () => {
  expect(readPublicUrl({})).toBe('http://localhost:3000');
  expect(readPublicUrl({ GATEWAY_LISTEN: '127.0.0.1:8080' })).toBe('http://localhost:8080');
  expect(readPublicUrl({ GATEWAY_LISTEN: 'unix:///run/rest.sock' })).toBe('http://localhost:3000');
  expect(readPublicUrl({ TLS_CERT: 'cert.pem' })).toBe('https://localhost:3000');
});

it('is written as browsers write an origin', () => {
  expect(readPublicUrl({ PUBLIC_URL: 'https://Rollcall.example.com:443/' })).toBe('https://rollcall.example.com');
});

test.each(['rollcall.example.com', 'ftp://example.com', 'https://example.com/path', 'https://a:b@example.com', 'x'])(
  'is not "%s"',
  (value) => {
    expect(() => readPublicUrl({ PUBLIC_URL: value })).toThrow(/^PUBLIC_URL: "/);
  },
);
