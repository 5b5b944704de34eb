import 'reflect-metadata';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { calls, checks, denial, startAccess } from './access-server.ts';
import { type Gateway, startGateway } from '../start-gateway.ts';

let access: Awaited<ReturnType<typeof startAccess>>;
let gateway: Gateway;

beforeAll(async () => {
  access = await startAccess();
  gateway = await startGateway({ LOCAL_SIGN_IN: '1', USER_TARGET: access.target });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await access[Symbol.asyncDispose]();
});
beforeEach(() => {
  calls.length = 0;
  checks.length = 0;
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Sends the head of a request alone, and reads what is answered to that. */
async function answerToHead(head: string): Promise<string> {
  const socket: Socket = connect(gateway.socketPath, () => socket.write(`${head}\r\nHost: x\r\n\r\n`));
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return first.toString();
}

describe('before a body is read', () => {
  it.each([
    ['of one message', 'POST /v1/users HTTP/1.1\r\nContent-Length: 1000000', 'rollcall.user.v1.UserService.CreateUser'],
    [
      'of a stream',
      'POST /v1/users:import HTTP/1.1\r\nTransfer-Encoding: chunked',
      'rollcall.user.v1.UserService.ImportUsers',
    ],
    ['too large', 'POST /v1/users HTTP/1.1\r\nContent-Length: 99999999', 'rollcall.user.v1.UserService.CreateUser'],
    ['for chat', 'POST /v1/rooms/lobby/notes HTTP/1.1\r\nContent-Length: 9', 'rollcall.chat.v1.ChatService.SendNote'],
    [
      'for a session',
      'POST /session HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9',
      'rollcall.access.v1.AccessService.CreateSession',
    ],
  ])('the gateway asks who calls, and its answer does not wait for it: %s', async (_, head, method) => {
    const answer = await answerToHead(`${head}\r\nAuthorization: Bearer denied\r\nX-Forwarded-For: 203.0.113.9`);
    expect(answer).toMatch(/^HTTP\/1.1 403 /);
    expect(answer).toContain('connection: close');
    expect(checks).toEqual([{ method, authorization: 'Bearer denied', address: '203.0.113.9' }]);
    expect(calls).toEqual([]);
  });

  it('nobody is asked to send one who may not', async () => {
    const head = 'POST /v1/tickets HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue';
    expect(await answerToHead(`${head}\r\nAuthorization: Bearer denied`)).toMatch(/^HTTP\/1.1 403 /);
    expect(await answerToHead(`${head}\r\nAuthorization: Bearer good`)).toMatch(/^HTTP\/1.1 100 /);
  });

  it('the answer of a service that is away is the usual one', async () => {
    await using alone = await startGateway({ LOCAL_SIGN_IN: '1' });
    const { status, json } = await alone.send('POST', '/v1/tickets', {}, bearer('good'));
    expect([status, json.reason]).toEqual([503, 'UPSTREAM_UNAVAILABLE']);
  });
});

describe('who may make a call', () => {
  it('is asked again after less than a second for each credential and method, and each time when it was no', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const post = (token: string, path = '/v1/tickets') => gateway.send('POST', path, {}, bearer(token));
      for (let n = 0; n < 3; n += 1) expect((await post('one')).status).toBe(200);
      expect(checks).toHaveLength(1);
      await post('two');
      await post('one', '/v1/users/7:revokeCredentials');
      expect(checks).toHaveLength(3);
      vi.advanceTimersByTime(749);
      await post('one');
      expect(checks).toHaveLength(3);
      vi.advanceTimersByTime(1);
      await post('one');
      expect(checks).toHaveLength(4);
      for (let n = 0; n < 3; n += 1) expect((await post('denied')).status).toBe(403);
      expect(checks).toHaveLength(7);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not asked where there is no body, nor in protected mode', async () => {
    await gateway.get('/v1/caller', bearer('one'));
    await gateway.get('/v1/users/7/tokens/ci', bearer('one'), 'DELETE');
    expect(calls.length).toBe(1);
    await using local = await startGateway({ USER_TARGET: access.target });
    expect((await local.send('POST', '/v1/tickets', {})).status).toBe(200);
    expect((await local.send('POST', '/session', { secret: 'good' })).status).toBe(201);
    expect(checks).toEqual([]);
  });

  it('is told with the same words over REST as by the method', async () => {
    const { json } = await gateway.send('POST', '/v1/tickets', {}, bearer('denied'));
    expect([json.reason, json.detail]).toEqual([denial.reason, denial.message]);
  });
});
