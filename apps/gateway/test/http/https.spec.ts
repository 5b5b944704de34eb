import 'reflect-metadata';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent, request } from 'node:https';
import { connect as connectSocket, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Authority, type Identity, makeAuthority, makePemFolder, type PemFolder } from '@rollcall/test-servers';
import { beforeAll, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { createGateway, listen } from '../../src/gateway.ts';

const address = [{ type: 'ip' as const, value: '127.0.0.1' }];
let authority: Authority;
let identity: Identity;

beforeAll(async () => {
  authority = await makeAuthority();
  identity = await authority.issue({ names: ['first'], otherNames: address });
});

/** Starts a gateway that serves HTTPS; there is no service behind it. */
async function startGateway(folder: PemFolder, env: Record<string, string> = {}) {
  const config = readConfig({
    GATEWAY_LISTEN: '127.0.0.1:0',
    USER_TARGET: '127.0.0.1:1',
    LOG_LEVEL: 'fatal',
    TLS_CERT: folder.cert,
    TLS_KEY: folder.key,
    TLS_RELOAD_MS: '5',
    ...env,
  });
  const app = await createGateway(config);
  const url = await listen(app, config);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= app.close());
  return { url, port: Number(new URL(url).port), close, [Symbol.asyncDispose]: close };
}

interface Answer {
  readonly status?: number;
  /** The names in the certificate of the gateway. */
  readonly names?: string;
  /** The port that the caller called from, which tells connections apart. */
  readonly from?: number;
}

/** Asks whether the gateway lives. The caller has no certificate. */
async function get(url: string, trusted: Authority, agent: Agent | false = false): Promise<Answer> {
  const call = request(`${url}/healthz`, { ca: trusted.cert, agent });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage & { socket: TLSSocket }];
  const { socket, statusCode } = response;
  const answer = { status: statusCode, names: socket.getPeerX509Certificate()?.subjectAltName, from: socket.localPort };
  await once(response.resume(), 'end');
  return answer;
}

it('serves HTTPS to callers without a certificate, and says so in its URL', async () => {
  using folder = makePemFolder({ identity, authority });
  await using gateway = await startGateway(folder, { TLS_CA: folder.ca });
  expect(gateway.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect(await get(gateway.url, authority)).toMatchObject({ status: 200, names: 'DNS:first, IP Address:127.0.0.1' });
});

it('shows a new certificate to new connections, and keeps those that are open', async () => {
  using folder = makePemFolder({ identity });
  await using gateway = await startGateway(folder);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { from } = await get(gateway.url, authority, agent);
  const other = await makeAuthority();
  folder.replace({ identity: await other.issue({ names: ['second'], otherNames: address }) });
  const renewed = async (): Promise<Answer> => get(gateway.url, other).catch(renewed); // until it is noticed
  expect(await renewed()).toMatchObject({ status: 200, names: 'DNS:second, IP Address:127.0.0.1' });
  expect(await get(gateway.url, authority, agent)).toMatchObject({ status: 200, from });
  agent.destroy();
});

/** The status of a request over HTTP/2, and what its answer says of HTTPS. */
async function getOverHttp2(url: string, trusted: Authority): Promise<Record<string, unknown>> {
  const session = connectHttp2(url, { ca: trusted.cert });
  session.on('error', () => undefined); // the request tells of it
  const stream = session.request({ ':path': '/healthz' });
  try {
    const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
    return { status: head[':status'], sts: head['strict-transport-security'], alpn: session.alpnProtocol };
  } finally {
    session.destroy();
  }
}

it('speaks HTTP/2 to those who ask for it in the handshake, with a new certificate too', async () => {
  using folder = makePemFolder({ identity });
  await using gateway = await startGateway(folder);
  const expected = { status: 200, sts: 'max-age=31536000', alpn: 'h2' };
  expect(await getOverHttp2(gateway.url, authority)).toEqual(expected);
  const other = await makeAuthority();
  folder.replace({ identity: await other.issue({ names: ['second'], otherNames: address }) });
  const renewed = async (): Promise<object> => getOverHttp2(gateway.url, other).catch(renewed); // until it is noticed
  expect(await renewed()).toEqual(expected);
});

it('keeps browsers to HTTPS, and their session too, whatever they claim to have come over', async () => {
  using folder = makePemFolder({ identity });
  await using gateway = await startGateway(folder, { LOCAL_SIGN_IN: '1' });
  const headers = { 'x-forwarded-proto': 'http' };
  const call = request(`${gateway.url}/session`, { method: 'DELETE', ca: authority.cert, agent: false, headers });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  await once(response.resume(), 'end');
  expect(response.headers['strict-transport-security']).toBe('max-age=31536000');
  expect(response.headers['set-cookie']?.[0]).toMatch(/^__Host-rollcall_session=;.*; Secure$/);
});

it('hangs up on plain HTTP', async () => {
  using folder = makePemFolder({ identity });
  await using gateway = await startGateway(folder);
  const socket = connectSocket(gateway.port, '127.0.0.1');
  socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text).not.toMatch(/HTTP/);
});

it.each([
  ['TLS_CERT', { TLS_CERT: '/nowhere/tls.crt' }],
  ['TLS_KEY', { TLS_KEY: '/nowhere/tls.key' }],
  ['TLS_KEY', { TLS_KEY: '' }],
  ['TLS_CA', { TLS_CA: '/nowhere/ca.crt' }],
])('does not start when the file of %s cannot be used: %j', async (name, env) => {
  using folder = makePemFolder({ identity });
  await expect(startGateway(folder, env)).rejects.toThrow(new RegExp(`^${name}: `));
});

/** A client's first record of TLS, cut off. */
const beginningOfHello = Buffer.from('160301020001', 'hex');

async function halfShaken(port: number): Promise<Socket> {
  const socket = connectSocket(port, '127.0.0.1').on('error', () => undefined); // it may be reset
  await once(socket.resume(), 'connect');
  socket.write(beginningOfHello);
  return socket;
}

it.each(['HTTP_MAX_CONNECTIONS', 'HTTP_MAX_ADDRESS_CONNECTIONS'])(
  'counts connections that have not shaken hands toward %s',
  async (variable) => {
    using folder = makePemFolder({ identity });
    const env = { TRUSTED_PROXIES: 'none', HTTP_HEADERS_TIMEOUT_MS: '3600000', [variable]: '3' };
    await using gateway = await startGateway(folder, env);
    const held = [await halfShaken(gateway.port), await halfShaken(gateway.port)];
    const served = (): Promise<boolean> =>
      get(gateway.url, authority).then(
        () => true,
        () => false,
      );
    expect(await served()).toBe(true);
    held.push(await halfShaken(gateway.port));
    expect(await served()).toBe(false);
    held[0]?.destroy();
    await expect.poll(served).toBe(true);
    for (const socket of held) socket.destroy();
  },
);

it('closes connections that do not shake hands in the time that headers have', async () => {
  using folder = makePemFolder({ identity });
  await using gateway = await startGateway(folder, { HTTP_HEADERS_TIMEOUT_MS: '50' });
  const silent = connectSocket(gateway.port, '127.0.0.1').on('error', () => undefined);
  const half = await halfShaken(gateway.port);
  await Promise.all([silent, half].map((socket) => once(socket.resume(), 'close')));
  expect([silent.bytesRead, half.bytesRead]).toEqual([0, 0]);
});
