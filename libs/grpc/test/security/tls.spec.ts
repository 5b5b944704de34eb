import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { status as Status } from '@grpc/grpc-js';
import { type Authority, type Identity, makeAuthority } from '@rollcall/test-servers';
import { firstValueFrom, from, lastValueFrom, map, Subject, toArray } from 'rxjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/context/call-context.ts';
import { anyBooks, connect, failure, named } from '../faults/servers.ts';
import { call } from '../plain-http2.ts';
import { type Handlers, until } from '../shelf-service.ts';
import { connectSecurely, makeParty, startSecure } from './tls-service.ts';

const handlers: Handlers = {
  readFile: (_: unknown, { callerNames }: CallContext) => ({ path: callerNames.join(' ') }),
  countBooks: (requests: never) =>
    from(requests).pipe(
      toArray(),
      map((all) => ({ count: String(all.length) })),
    ),
  streamBooks: () => from([{ books: [] }, { books: [] }, { books: [] }]),
  talkBooks: (requests: never) => from(requests).pipe(map(({ name }: { name: string }) => ({ name }))),
};

let authority: Authority;
let other: Authority;
let service: Identity;
let gateway: Identity;

beforeAll(async () => {
  [authority, other] = [await makeAuthority('one'), await makeAuthority('other')];
  service = await authority.issue({
    names: ['localhost', 'shelf.internal'],
    otherNames: [{ type: 'ip', value: '127.0.0.1' }],
  });
  gateway = await authority.issue({ names: ['Gateway.internal', 'localhost'] });
});

/** A client's first record of TLS, cut off. */
const beginningOfHello = Buffer.from('160301020001', 'hex');

async function openSocket({ target }: { readonly target: string }): Promise<Socket> {
  const socket = connectSocket(target.replace('unix://', '')).on('error', () => undefined); // it may be reset
  await once(socket.resume(), 'connect');
  return socket;
}

/** HTTP/2 over TLS by Node alone, to a server on a unix socket. */
function rawConnection(
  { target }: { readonly target: string },
  options: ConnectionOptions = {},
): { session: ClientHttp2Session; socket: TLSSocket } {
  const socket = connectTls({
    path: target.replace('unix://', ''),
    servername: 'localhost',
    ca: authority.cert,
    ALPNProtocols: ['h2'],
    ...options,
  });
  const session = connectHttp2('https://localhost', { createConnection: () => socket });
  session.on('error', () => undefined); // the calls tell of it
  return { session, socket };
}

describe('a server with a certificate', () => {
  it('serves calls of all four kinds to a caller without one', async () => {
    using party = makeParty({ identity: service });
    await using shelf = await startSecure(handlers, party);
    using caller = connectSecurely(shelf, authority);
    const { client } = caller;
    expect(await firstValueFrom(client.readFile({ path: '' }))).toEqual({ path: '' });
    expect(await lastValueFrom(client.streamBooks(anyBooks).pipe(toArray()))).toHaveLength(3);
    expect(await firstValueFrom(client.countBooks(from([named('a'), named('b')])))).toMatchObject({ count: '2' });
    const talk = client.talkBooks(from([named('a'), named('b')])).pipe(map(({ name }) => name));
    expect(await lastValueFrom(talk.pipe(toArray()))).toEqual(['a', 'b']);
  });

  it('serves nobody in plain text', async () => {
    using party = makeParty({ identity: service });
    await using shelf = await startSecure(handlers, party);
    using caller = connect(shelf.target);
    expect(await failure(caller.client.readFile({ path: '' }))).toMatchObject({ code: Status.UNAVAILABLE });
  });

  it('is not called by who was given another authority, nor when it is of another name or has expired', async () => {
    using party = makeParty({ identity: service });
    using misnamed = makeParty({ identity: await authority.issue({ names: ['shelf.internal'] }) });
    using expired = makeParty({ identity: await authority.issue({ names: ['localhost'], endedAgoMs: 1000 }) });
    await using shelf = await startSecure(handlers, party);
    await using misnamedShelf = await startSecure(handlers, misnamed);
    await using expiredShelf = await startSecure(handlers, expired);
    for (const [target, trusted] of [
      [shelf, other],
      [misnamedShelf, authority],
      [expiredShelf, authority],
    ] as const) {
      using caller = connectSecurely(target, trusted);
      expect(await failure(caller.client.readFile({ path: '' }))).toMatchObject({ code: Status.UNAVAILABLE });
    }
  });

  it('is verified by its address when it is called by that, without a warning', async () => {
    const warnings: Error[] = [];
    const take = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', take);
    const address = [{ type: 'ip' as const, value: '127.0.0.1' }];
    using party = makeParty({ identity: await authority.issue({ otherNames: address }) });
    using elsewhere = makeParty({ identity: await authority.issue({ names: ['localhost'] }) });
    await using shelf = await startSecure(handlers, party, { listen: '127.0.0.1:0' });
    await using wrong = await startSecure(handlers, elsewhere, { listen: '127.0.0.1:0' });
    using caller = connectSecurely({ target: shelf.server.address }, authority);
    using misled = connectSecurely({ target: wrong.server.address }, authority);
    expect(await firstValueFrom(caller.client.readFile({ path: '' }))).toEqual({ path: '' });
    expect(await failure(misled.client.readFile({ path: '' }))).toMatchObject({ code: Status.UNAVAILABLE });
    process.off('warning', take);
    expect(warnings).toEqual([]);
  });

  it('speaks TLS 1.2, and nothing older', async () => {
    using party = makeParty({ identity: service });
    await using shelf = await startSecure(handlers, party);
    const tls12 = rawConnection(shelf, { maxVersion: 'TLSv1.2' });
    expect([await call(tls12.session), tls12.socket.getProtocol()]).toEqual(['OK', 'TLSv1.2']);
    tls12.session.close();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const [error] = await once(rawConnection(shelf, old).session, 'error').catch((caught: unknown) => [caught]);
    expect(error).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  });

  it('closes the connections of those who do not shake hands in time, whatever they have said', async () => {
    using party = makeParty({ identity: service });
    await using shelf = await startSecure(handlers, party, { limits: { connectionBeginMs: 50 } });
    const silent = await openSocket(shelf);
    const half = await openSocket(shelf);
    half.write(beginningOfHello);
    await Promise.all([silent, half].map((socket) => once(socket, 'close')));
    using caller = connectSecurely(shelf, authority);
    expect(await firstValueFrom(caller.client.readFile({ path: '' }))).toEqual({ path: '' });
  });

  it.each([
    ['of an address', { maxConnectionsPerAddress: 3 }],
    ['of a server', { maxConnections: 3 }],
  ])('counts handshakes among the connections %s: the oldest one makes room', async (_, limits) => {
    using party = makeParty({ identity: service });
    const listen = '127.0.0.1:0';
    await using shelf = await startSecure(handlers, party, {
      listen,
      limits: { ...limits, connectionBeginMs: 3_600_000 },
    });
    using caller = connectSecurely({ target: shelf.server.address }, authority);
    await firstValueFrom(caller.client.readFile({ path: '' }));
    const port = Number(shelf.server.address.split(':')[1]);
    const held: Socket[] = [];
    for (let count = 0; count < 6; count += 1) {
      const socket = connectSocket(port, '127.0.0.1').on('error', () => undefined);
      await once(socket.resume(), 'connect');
      socket.write(beginningOfHello);
      held.push(socket);
    }
    await until(() => held.filter(({ closed }) => closed).length === 4);
    expect(held.map(({ closed }) => closed)).toEqual([true, true, true, true, false, false]);
    // The connection that is served has stayed, though it has no call.
    expect(await firstValueFrom(caller.client.readFile({ path: '' }))).toEqual({ path: '' });
    using newcomer = connectSecurely({ target: shelf.server.address }, authority);
    expect(await firstValueFrom(newcomer.client.readFile({ path: '' }))).toEqual({ path: '' });
    for (const socket of held) socket.destroy();
  });

  it('closes though somebody connected and said nothing', { timeout: 5000 }, async () => {
    using party = makeParty({ identity: service });
    await using shelf = await startSecure(handlers, party);
    const silent = connectSocket(shelf.target.replace('unix://', ''));
    await once(silent, 'connect');
    using caller = connectSecurely(shelf, authority);
    await firstValueFrom(caller.client.readFile({ path: '' })); // by now the silent one was accepted, too
    await shelf.close();
    await until(() => silent.closed);
    expect(silent.bytesRead).toBe(0);
  });
});

describe('a server with an authority', () => {
  it('serves those who have a certificate of it, and knows their names', async () => {
    using party = makeParty({ identity: service, authority });
    await using shelf = await startSecure(handlers, party);
    using caller = connectSecurely(shelf, authority, { identity: gateway });
    expect(await firstValueFrom(caller.client.readFile({ path: '' }))).toEqual({ path: 'gateway.internal localhost' });
  });

  it('serves none without a certificate, nor with one of another authority or an expired one', async () => {
    let served = 0;
    using party = makeParty({ identity: service, authority });
    await using shelf = await startSecure({ readFile: () => ({ path: String(++served) }) }, party);
    const strangers = [
      undefined,
      await other.issue({ names: ['gateway.internal'] }),
      await authority.issue({ names: ['gateway.internal'], endedAgoMs: 1000 }),
    ];
    for (const identity of strangers) {
      using caller = connectSecurely(shelf, authority, { identity });
      expect(await failure(caller.client.readFile({ path: '' }))).toMatchObject({ code: Status.UNAVAILABLE });
    }
    expect(served).toBe(0);
  });
});

describe('a server that lists its callers', () => {
  const callers = ['gateway.internal', 'chat.internal'];

  it('serves them, and itself', async () => {
    using party = makeParty({ identity: service, authority }, callers);
    await using shelf = await startSecure(handlers, party);
    for (const identity of [gateway, service]) {
      using caller = connectSecurely(shelf, authority, { identity });
      expect((await firstValueFrom(caller.client.readFile({ path: '' }))).path).toContain('localhost');
    }
  });

  it.each<[string, Parameters<Authority['issue']>[0]]>([
    ['of another name', { names: ['web.internal'] }],
    ['of a name below', { names: ['x.gateway.internal'] }],
    ['of all names', { names: ['*.internal'] }],
    ['of no name', {}],
    ['whose common name is one of them', { commonName: 'gateway.internal' }],
    [
      'that has one of them inside another kind of name',
      { otherNames: [{ type: 'url', value: 'http://x, DNS:gateway.internal, DNS:gateway.internal' }] },
    ],
  ])('refuses a certificate %s: PERMISSION_DENIED in every kind of call, before any handler', async (_, issued) => {
    let served = 0;
    const count = (): object => ({ path: String(++served) });
    using party = makeParty({ identity: service, authority }, callers);
    await using shelf = await startSecure(
      { readFile: count, countBooks: count, streamBooks: count, talkBooks: count },
      party,
    );
    using caller = connectSecurely(shelf, authority, { identity: await authority.issue(issued) });
    const { client } = caller;
    const requests = from([named('a')]);
    for (const tried of [
      client.readFile({ path: '' }),
      client.countBooks(requests),
      client.streamBooks(anyBooks),
      client.talkBooks(requests),
    ])
      expect(await failure(tried)).toMatchObject({ code: Status.PERMISSION_DENIED, reason: 'CALLER_NOT_ADMITTED' });
    expect(served).toBe(0);
  });
});

describe('when files are replaced', () => {
  it('streams go on, new connections see the new certificate, and the old authority vouches for nobody', async () => {
    const books = new Subject<{ books: [] }>();
    using party = makeParty({ identity: service, authority });
    await using shelf = await startSecure({ ...handlers, streamBooks: () => books }, party);
    using before = connectSecurely(shelf, authority, { identity: gateway });
    let received = 0;
    const stream = before.client.streamBooks(anyBooks).subscribe(() => received++);
    await until(() => books.observed);
    books.next({ books: [] });
    await until(() => received === 1);

    await party.replace({ identity: await other.issue({ names: ['localhost'] }), authority: other });

    books.next({ books: [] });
    await until(() => received === 2);
    expect((await firstValueFrom(before.client.readFile({ path: '' }))).path).toContain('gateway.internal');
    using current = connectSecurely(shelf, other, { identity: await other.issue({ names: ['gateway.internal'] }) });
    expect(await firstValueFrom(current.client.readFile({ path: '' }))).toEqual({ path: 'gateway.internal' });
    using late = connectSecurely(shelf, other, { identity: gateway });
    expect(await failure(late.client.readFile({ path: '' }))).toMatchObject({ code: Status.UNAVAILABLE });
    using trusting = connectSecurely(shelf, authority, { identity: gateway });
    expect(await failure(trusting.client.readFile({ path: '' }))).toMatchObject({ code: Status.UNAVAILABLE });
    stream.unsubscribe();
  });

  it('a session of before cannot be taken up again without the certificate that is asked for now', async () => {
    using party = makeParty({ identity: service, authority });
    await using shelf = await startSecure(handlers, party);
    const options: ConnectionOptions = { ...gateway, rejectUnauthorized: false };
    const first = rawConnection(shelf, options);
    const [[session]] = await Promise.all([once(first.socket, 'session'), call(first.session)]);
    const second = rawConnection(shelf, { ...options, session });
    expect([await call(second.session), second.socket.isSessionReused()]).toEqual(['OK', true]);

    await party.replace({ authority: other });

    const third = rawConnection(shelf, { ...options, session });
    expect(await call(third.session)).toMatch(/^reset/);
    for (const each of [first, second]) each.session.close();
  });

  it('a caller connects with its new certificate, and trusts its new authority', async () => {
    using party = makeParty({ identity: service, authority });
    using next = makeParty({ identity: await other.issue({ names: ['localhost'] }), authority: other });
    await using shelf = await startSecure(handlers, party);
    using caller = connectSecurely(shelf, authority, { identity: gateway });
    await firstValueFrom(caller.client.readFile({ path: '' }));
    await caller.party.replace({ identity: await other.issue({ names: ['renewed.internal'] }), authority: other });
    await shelf.close();
    await using successor = await startSecure(handlers, next, { listen: shelf.target });
    expect(successor.server.address).toBe(shelf.target);
    const deadline = Date.now() + 15_000;
    await caller.channel.ready(deadline);
    expect(await firstValueFrom(caller.client.readFile({ path: '' }))).toEqual({ path: 'renewed.internal' });
  });
});
