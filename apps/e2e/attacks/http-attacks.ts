import { randomBytes } from 'node:crypto';
import type { Attack } from './attack.ts';
import { httpFlood } from './http-flood.ts';
import { httpUnfinished } from './http-unfinished.ts';

const json = { 'content-type': 'application/json' };
const random = (bytes: number): string => randomBytes(bytes).toString('base64url');
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A token as an issuer would sign it, but for the signature. */
function forgedToken(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', kid: random(4), typ: 'JWT' })}.${part({ sub: random(8), exp: 9e9 })}.${random(256)}`;
}

/** An address of IPv6 out of 65,536 networks of one site, as a proxy would name it. */
function networkOfSite(): string {
  const groups = randomBytes(10).toString('hex').match(/.{4}/g) ?? [];
  return `2001:db8:1:${groups.join(':')}`;
}

const half = 'x'.repeat(32 * 1024);
const headOf = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`;
let turn = 0;

/** What people without a credential do over HTTP. */
export const httpAttacks: readonly Attack[] = [
  httpFlood('who am I, again and again', () => ({ path: '/v1/caller' })),
  httpFlood('tokens that are made up', () => ({
    path: '/v1/users/1',
    headers: bearer((turn += 1) % 2 === 0 ? `rct_${random(32)}` : forgedToken()),
  })),
  httpFlood('tickets that are made up', () => ({
    path: `/v1/${(turn += 1) % 2 === 0 ? 'users:watch' : 'rooms/lobby/notes:stream'}?access_ticket=rck_${random(32)}`,
  })),
  httpFlood('links that are made up', () => ({
    method: 'POST',
    path: '/v1/sessions',
    headers: json,
    body: JSON.stringify({ secret: `rcl_${random(32)}` }),
  })),
  httpFlood('large bodies', () => ({
    method: 'POST',
    path: (turn += 1) % 2 === 0 ? '/v1/users' : '/v1/sessions',
    headers: json,
    body: JSON.stringify({ secret: half.repeat(30) }),
  })),
  httpFlood('addresses of a network that are made up', () => ({
    path: '/v1/users/1',
    headers: { 'x-forwarded-for': networkOfSite(), ...((turn += 1) % 2 === 0 && bearer(`rct_${random(32)}`)) },
  })),
  httpUnfinished('bodies that do not end', headOf('/v1/users'), half),
  httpUnfinished('bodies that anybody may send and that do not end', headOf('/v1/sessions'), ' '),
  httpUnfinished('headers that do not end', 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', 'x'),
];
