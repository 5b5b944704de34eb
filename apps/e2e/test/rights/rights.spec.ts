import { status as Status } from '@grpc/grpc-js';
import { type CallOptions, GrpcChannel, RpcError } from '@rollcall/grpc';
import { codecsOf, type Contract, type Method } from '@rollcall/contract';
import {
  rollcallContract,
  tutorialChatServerContract,
  tutorialUserManagerContract,
  tutorialUserServiceContract,
  user,
} from '@rollcall/proto';
import { lastValueFrom, type Observable, take } from 'rxjs';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, openRequest } from '../rollcall.ts';
import { pageRequests, requests, type Subject } from './requests.ts';
import { type CallerName, callers, pageRights, type Rights, routeRights, rpcRights, type Verdict } from './rights.ts';
import { by, type SignedIn, startSignedIn, userIdClaim } from '../sign-in.ts';

const { USER_TYPE_DISABLED, USER_TYPE_GUEST } = user.UserType;

/** Who calls, and on which record. */
interface Caller {
  readonly credential: string | undefined;
  readonly subject: string;
}

let system: SignedIn;
let gateway: GrpcChannel;
let bystander: string;
let ids: { readonly guest: string; readonly normal: string };
beforeAll(async () => {
  system = await startSignedIn();
  gateway = new GrpcChannel(`unix://${system.rollcall.socketPath}`);
  bystander = await system.newUser();
  ids = {
    guest: await system.newUser({ type: USER_TYPE_GUEST }),
    normal: await system.newUser(),
  };
}, 30_000);
afterAll(async () => {
  gateway.close();
  await system[Symbol.asyncDispose]();
});

/** A caller whose credential nobody has used yet: some calls use it up. */
async function callerOf(name: CallerName): Promise<Caller> {
  const { administrator, issuer, newSession, newToken } = system;
  const anHourAgo = Math.floor(Date.now() / 1000) - 3600;
  switch (name) {
    case 'anonymous':
      return { credential: undefined, subject: bystander };
    case 'badToken':
      return { credential: `rct_${'A'.repeat(43)}`, subject: bystander };
    case 'expired':
      return { credential: issuer.token({ [userIdClaim]: '1', exp: anHourAgo }), subject: bystander };
    case 'disabled': {
      const id = await system.newUser({ type: USER_TYPE_DISABLED }); // a user has so many tokens at the most
      return { credential: await newToken(id), subject: id };
    }
    case 'guest':
      return { credential: await newSession(ids.guest), subject: ids.guest };
    case 'self':
      return { credential: await newSession(ids.normal), subject: ids.normal };
    case 'other':
      return { credential: await newSession(ids.normal), subject: bystander };
    case 'administrator':
      return { credential: administrator, subject: bystander };
  }
}

async function prepared(path: string, name: CallerName, verdict: Verdict) {
  const prepare = requests[path];
  if (prepare === undefined) throw new Error(`nobody knows how to call ${path}`);
  const { credential, subject: id } = await callerOf(name);
  const subject: Subject = {
    id,
    permitted: verdict === 'ok',
    another: async () => (await callerOf(name === 'administrator' ? 'self' : name)).credential ?? '',
  };
  const request = await prepare(system, subject);
  return { ...request, credential: request.credential ?? credential };
}

const contracts: readonly Contract[] = [
  rollcallContract,
  tutorialUserManagerContract,
  tutorialUserServiceContract,
  tutorialChatServerContract,
];
const methods = contracts.flatMap((contract) => [...contract.methods.values()].map((method) => ({ contract, method })));

test('no RPC and no route is missing', async () => {
  expect(Object.keys(rpcRights).toSorted()).toEqual(methods.map(({ method }) => method.path).toSorted());
  const document = JSON.parse((await ask(system.rollcall, '/openapi.json')).text) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const verbs = ['get', 'post', 'put', 'patch', 'delete'];
  const shown = Object.entries(document.paths).flatMap(([path, item]) =>
    verbs.filter((verb) => verb in item).map((verb) => `${verb.toUpperCase()} ${path}`),
  );
  const bound = methods.flatMap(({ method }) => method.http.map(({ verb, template }) => `${verb} ${template}`));
  expect(Object.keys(routeRights).toSorted()).toEqual([...new Set(bound)].toSorted());
  expect(shown.length).toBeGreaterThanOrEqual(Object.keys(routeRights).length);
  const own = readFileSync(new URL('../../../gateway/test/golden/routes.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  expect(Object.keys(pageRights).toSorted()).toEqual(own.toSorted());
});

describe.each(methods)('$method.path over gRPC', ({ contract, method }) => {
  test.each(cellsOf(rpcRights[method.path]))('$caller: $verdict', async ({ caller, verdict }) => {
    const { message, credential } = await prepared(method.path, caller, verdict);
    expect(await grpcVerdict(contract, method, message, by(credential))).toBe(verdict);
  });
});

/** What the gateway has, at the methods' own paths. */
const offered = methods.filter(({ method }) => method.http.length > 0);

describe.each(offered)('$method.path over gRPC at the gateway', ({ contract, method }) => {
  test.each(cellsOf(rpcRights[method.path]))('$caller: $verdict', async ({ caller, verdict }) => {
    const { message, credential } = await prepared(method.path, caller, verdict);
    expect(await grpcVerdict(contract, method, message, by(credential), gateway)).toBe(verdict);
  });
});

const unary = offered.filter(({ method }) => method.kind === 'unary');

describe.each(unary)('$method.path over Connect', ({ contract, method }) => {
  test.each(cellsOf(rpcRights[method.path]))('$caller: $verdict', async ({ caller, verdict }) => {
    const { message, credential } = await prepared(method.path, caller, verdict);
    const body = codecsOf(contract).get(method.path)?.encodeRequest(message);
    expect(await httpVerdict('POST', method.path, body, 'application/proto', credential)).toBe(verdict);
  });
});

describe.each(unary.filter(({ method }) => method.readOnly))(
  '$method.path over Connect by GET',
  ({ contract, method }) => {
    test.each(cellsOf(rpcRights[method.path]))('$caller: $verdict', async ({ caller, verdict }) => {
      const { message, credential } = await prepared(method.path, caller, verdict);
      const bytes = codecsOf(contract).get(method.path)?.encodeRequest(message) ?? Buffer.alloc(0);
      const query = `connect=v1&encoding=proto&base64=1&message=${bytes.toString('base64url')}`;
      expect(await httpVerdict('GET', `${method.path}?${query}`, undefined, undefined, credential)).toBe(verdict);
    });
  },
);

const streams = offered
  .filter(({ method }) => method.kind !== 'unary')
  .map(({ method: { path, http } }) => ({ path, route: `${http[0]?.verb} ${http[0]?.template}` }));

describe.each(streams)('$route over a WebSocket', ({ path, route }) => {
  test.each(cellsOf(routeRights[route]))('$caller: $verdict', async ({ caller, verdict }) => {
    const { path: target, credential } = await prepared(path, caller, verdict);
    expect(await webSocketVerdict(target, credential)).toBe(verdict);
  });
});

const routes = methods.flatMap(({ method: { path, http } }) =>
  http.slice(0, 1).map(({ verb, template }) => ({ path, verb, route: `${verb} ${template}` })),
);

describe.each(routes)('$route', ({ path, verb, route }) => {
  test.each(cellsOf(routeRights[route]))('$caller: $verdict', async ({ caller, verdict }) => {
    const { path: target, body, credential } = await prepared(path, caller, verdict);
    expect(await restVerdict(verb, target, body, credential)).toBe(verdict);
  });
});

/** What is missing from the table fails as a whole, above. */
function cellsOf(rights: Rights | undefined) {
  return callers.map((caller) => ({ caller, verdict: rights?.[caller] ?? 403 }));
}

describe.each(Object.entries(pageRights))('%s', (route, rights) => {
  test.each(callers)('for %s', async (caller) => {
    const [verb = '', template = ''] = route.split(' ');
    const { credential } = await callerOf(caller);
    const { path, body } = (await pageRequests[route]?.(system)) ?? { path: template };
    expect(await restVerdict(verb, path, body, credential)).toBe(rights[caller]);
  });
});

test('no secret stands in the output, in an error, or in the list of processes', async () => {
  const { rollcall, secrets } = system;
  expect(secrets.length).toBeGreaterThan(100);
  const written = rollcall.output() + rollcall.commandLines();
  for (const secret of secrets) expect(written).not.toContain(secret);
  const refused = await ask(rollcall, '/v1/users/1', { headers: { authorization: 'Bearer canary.secret.token' } });
  expect(refused.status).toBe(401);
  expect(refused.text + rollcall.output()).not.toContain('canary');
});

async function grpcVerdict(
  contract: Contract,
  method: Method,
  message: object,
  options: CallOptions,
  at: Pick<GrpcChannel, 'client'> = system.rollcall,
): Promise<Verdict | { readonly unexpected: string }> {
  type AnyClient = Record<string, (input: object, options: CallOptions) => Observable<unknown>>;
  const call = at.client<AnyClient>(contract, method.service)[method.localName];
  if (call === undefined) throw new Error(`there is no ${method.path}`);
  try {
    await lastValueFrom(call(message, options).pipe(take(1)), { defaultValue: undefined });
    return 'ok';
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    if (error.code === Status.UNAUTHENTICATED) return 401;
    if (error.code === Status.PERMISSION_DENIED) return 403;
    return { unexpected: `${Status[error.code]} ${error.message}` };
  }
}

function restVerdict(
  verb: string,
  path: string,
  body: object | undefined,
  credential: string | undefined,
): Promise<Verdict | { readonly unexpected: string }> {
  const json = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return httpVerdict(verb, path, json, 'application/json', credential);
}

async function httpVerdict(
  verb: string,
  path: string,
  body: Buffer | undefined,
  type: string | undefined,
  credential: string | undefined,
): Promise<Verdict | { readonly unexpected: string }> {
  const headers = {
    ...(type !== undefined && { 'content-type': type }),
    ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
  };
  const request = openRequest(system.rollcall, path, { verb, headers });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const status = response.statusCode ?? 0;
  if (status < 400) {
    request.destroy(); // a watch has no end
    return 'ok';
  }
  if (status === 401 || status === 403) {
    response.resume();
    return status;
  }
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { unexpected: `${status} ${text}` };
}

async function webSocketVerdict(
  path: string,
  credential: string | undefined,
): Promise<Verdict | { readonly unexpected: string }> {
  const headers = { ...(credential !== undefined && { authorization: `Bearer ${credential}` }) };
  const socket = new WebSocket(`ws+unix://${system.rollcall.socketPath}:${path}`, { headers });
  socket.on('error', () => undefined); // the handshake tells of it
  const status = await new Promise<number>((resolve) => {
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.once('open', () => socket.send('')); // no more requests come
    socket.once('message', (data: Buffer) => {
      const { '@end': end } = JSON.parse(data.toString()) as { '@end'?: { status: number } | null };
      resolve(end?.status ?? 200);
    });
  });
  socket.terminate();
  if (status === 401 || status === 403) return status;
  return status < 400 ? 'ok' : { unexpected: String(status) };
}
