import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { audit, rollcallContract } from '@rollcall/proto';
import { acceptedTokens, hostileTokens, type TokenMaterial } from '@rollcall/test-servers';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../rollcall.ts';
import { by, type SignedIn, startSignedIn, userIdClaim } from '../sign-in.ts';

let system: SignedIn;
let material: TokenMaterial;
let asked = 0;
const attacker = createServer((_request, response) => {
  asked += 1;
  response.end('{"keys":[]}');
});
beforeAll(async () => {
  attacker.listen(0, '127.0.0.1');
  await once(attacker, 'listening');
  // A caller that tries one token after the other is slowed down, which is not what this is about.
  system = await startSignedIn({ ADDRESS_CALLS_PER_SECOND: '100000', ADDRESS_CALLS_BURST: '100000' });
  const { issuer, newUser } = system;
  const now = Math.floor(Date.now() / 1000);
  material = {
    issuer: issuer.issuer,
    audience: 'rollcall',
    rsa: issuer.rsa,
    ec: issuer.ec,
    userIdClaim,
    claims: {
      iss: issuer.issuer,
      aud: 'rollcall',
      sub: 'mallory',
      iat: now,
      exp: now + 3600,
      [userIdClaim]: await newUser(),
    },
    now,
    leeway: 30,
    margin: 300,
    attackerUrl: `http://127.0.0.1:${(attacker.address() as AddressInfo).port}/jwks`,
  };
}, 30_000);
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  attacker.close();
});

/** What HTTP and gRPC can carry: other characters do not leave a client, and space at the ends is no part of a header. */
const isSendable = ({ token }: { readonly token: string }): boolean =>
  /^[\x20-\x7e]*$/.test(token) && token.trim() === token;

test('are refused at both doors, and nobody asks where they point to', async () => {
  const tokens = hostileTokens(material).filter(isSendable);
  expect(tokens.length).toBeGreaterThanOrEqual(40);
  for (const { name, token } of tokens) {
    const rest = await ask(system.rollcall, '/v1/users/1', { headers: { authorization: `Bearer ${token}` } });
    expect({ name, status: rest.status, text: rest.text }).toMatchObject({
      name,
      status: expect.toBeOneOf([400, 401, 431]) as unknown,
    });
    expect(token.length > 20 && rest.text.includes(token)).toBe(false);
    const error: unknown = await firstValueFrom(system.users.getUser({ id: '1' }, by(token))).catch(
      (caught: unknown) => caught,
    );
    expect({ name, error }).toMatchObject({ name, error: expect.any(RpcError) as unknown });
    expect({ name, code: (error as RpcError).code }).toMatchObject({
      name,
      code: expect.toBeOneOf([Status.UNAUTHENTICATED, Status.RESOURCE_EXHAUSTED]) as unknown,
    });
  }
  expect(asked).toBe(0);
}, 60_000);

test('differ from those that are accepted at both doors', async () => {
  for (const { name, token } of acceptedTokens(material).filter(isSendable)) {
    const rest = await ask(system.rollcall, '/v1/users/1', { headers: { authorization: `Bearer ${token}` } });
    // Some name a user that nobody is, who may do nothing; but they are known for who they are.
    expect({ name, status: rest.status }).toMatchObject({ name, status: expect.toBeOneOf([200, 403]) as unknown });
    const error: unknown = await firstValueFrom(system.users.getUser({ id: '1' }, by(token))).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect({ name, code: error === undefined ? Status.OK : (error as RpcError).code }).toMatchObject({
      name,
      code: expect.toBeOneOf([Status.OK, Status.PERMISSION_DENIED]) as unknown,
    });
  }
}, 60_000);

test('each leave a line in the audit log that says why, and no token', async () => {
  const client = system.rollcall.client<audit.AuditServiceClient>(rollcallContract, 'rollcall.audit.v1.AuditService');
  const request = { pageSize: 1000, pageToken: '', callerId: '0', deniedOnly: true };
  const count = async (): Promise<number> => {
    const { entries } = await firstValueFrom(client.listAuditEntries(request, by(system.administrator)));
    const refused = entries.filter(({ reason }) => reason.startsWith('CREDENTIAL_INVALID: '));
    expect(JSON.stringify(entries)).not.toMatch(/eyJ[\w-]{20}/);
    return refused.reduce((sum, entry) => sum + entry.count, 0);
  };
  await expect.poll(count, { timeout: 5000 }).toBeGreaterThanOrEqual(2 * 40);
  expect(system.rollcall.output()).not.toMatch(/eyJ[\w-]{20}/);
});
