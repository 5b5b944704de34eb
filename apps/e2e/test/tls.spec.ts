import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { status as Status } from '@grpc/grpc-js';
import { GrpcChannel, type RpcError, TlsFiles } from '@rollcall/grpc';
import { rollcallContract, type userService } from '@rollcall/proto';
import { type Authority, makeAuthority, makePemFolder } from '@rollcall/test-servers';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { ask, openRequest, type Rollcall, send, startRollcall, tlsVariables } from './rollcall.ts';

/** The certificates of everybody, issued by an authority. */
async function issueAll(authority: Authority) {
  const issue = async (...names: string[]) => ({ authority, identity: await authority.issue({ names }) });
  return {
    'user-service': await issue('user-service.internal', 'localhost'),
    'chat-service': await issue('chat-service.internal', 'localhost'),
    gateway: await issue('gateway.internal', 'localhost'),
    caller: await issue('gateway.internal'),
    stranger: await issue('stranger.internal'),
  };
}

/** The processes, with mutual TLS between them and HTTPS before them; the services admit the gateway and each other alone. */
async function startSecured() {
  const authority = await makeAuthority();
  const issued = await issueAll(authority);
  const folders = {
    'user-service': makePemFolder(issued['user-service']),
    'chat-service': makePemFolder(issued['chat-service']),
    gateway: makePemFolder(issued.gateway),
    caller: makePemFolder(issued.caller),
    stranger: makePemFolder(issued.stranger),
  };
  const trusted = [authority.cert];
  const variables = { TLS_CALLERS: 'gateway.internal,chat-service.internal', TLS_RELOAD_MS: '50' };
  const rollcall = await startRollcall(variables, { ...folders, trusted });
  return {
    rollcall,
    folders,
    trusted,
    variables,
    async [Symbol.asyncDispose]() {
      await rollcall[Symbol.asyncDispose]();
      for (const folder of Object.values(folders)) folder[Symbol.dispose]();
    },
  };
}

async function refusal(rollcall: Rollcall, options: ConstructorParameters<typeof GrpcChannel>[1]): Promise<RpcError> {
  const channel = new GrpcChannel(rollcall.target, options);
  const users = channel.client<userService.UserServiceClient>(rollcallContract, 'rollcall.user.v1.UserService');
  const error = await firstValueFrom(users.getUser({ id: '1' })).then(
    () => Promise.reject(new Error('the call did not fail')),
    (caught: RpcError) => caught,
  );
  channel.close();
  return error;
}

test('HTTPS before, mutual TLS behind: the gateway is served, strangers and plain text are not', async () => {
  await using secured = await startSecured();
  const { rollcall, folders } = secured;
  expect(await send(rollcall, 'POST', '/v1/users', { name: 'Ada' })).toMatchObject({ status: 201 });
  expect(await ask(rollcall, '/v1/users:export')).toMatchObject({
    status: 200,
    text: expect.stringContaining('"name":"Ada"'),
  });
  const id = String((await send(rollcall, 'POST', '/v1/users', { name: 'Grace' })).json['id']);
  expect(await send(rollcall, 'POST', '/v1/rooms/lobby/notes', { message: 'Hello', authorId: id })).toMatchObject({
    status: 200,
    json: { authorName: 'Grace' },
  });
  expect(await refusal(rollcall, {})).toMatchObject({ code: Status.UNAVAILABLE });
  const stranger = new TlsFiles({ ...folders.stranger, callers: [], reloadMs: 5000 });
  expect(await refusal(rollcall, { tls: stranger })).toMatchObject({
    code: Status.PERMISSION_DENIED,
    reason: 'CALLER_NOT_ADMITTED',
  });
});

test('the health checks of the containers pass', async () => {
  await using secured = await startSecured();
  const { rollcall, folders } = secured;
  for (const app of ['user-service', 'chat-service', 'gateway'] as const) {
    const check = execFile(
      process.execPath,
      [fileURLToPath(new URL(`../../${app}/dist/healthcheck.js`, import.meta.url))],
      {
        env: {
          USER_LISTEN: rollcall.target,
          CHAT_LISTEN: rollcall.chatTarget,
          GATEWAY_LISTEN: `unix://${rollcall.socketPath}`,
          ...tlsVariables(folders[app]),
        },
      },
    );
    expect([app, ...(await once(check, 'exit'))]).toEqual([app, 0, null]);
  }
});

test('all certificates and their authority are replaced while a watch goes on', async () => {
  await using secured = await startSecured();
  const { rollcall, folders, trusted } = secured;
  const watch = openRequest(rollcall, '/v1/users:watch', { headers: { accept: 'text/event-stream' } });
  watch.end();
  const [events] = (await once(watch, 'response')) as [NodeJS.ReadableStream];
  let seen = '';
  events.on('data', (chunk) => (seen += String(chunk)));

  const successor = await makeAuthority();
  const issued = await issueAll(successor);
  // Each side trusts the old and the new authority in between, as whoever changes one has to.
  const both = { ...successor, cert: `${trusted[0]}${successor.cert}` };
  for (const app of ['user-service', 'chat-service', 'gateway'] as const)
    folders[app].replace({ identity: issued[app].identity, authority: both });
  trusted.splice(0, 1, successor.cert);
  const taken = async (): Promise<unknown> => ask(rollcall, '/healthz').catch(taken); // until it is noticed
  await taken();

  const created = await send(rollcall, 'POST', '/v1/users', { name: 'Grace' });
  expect(created.status).toBe(201);
  while (!seen.includes('Grace')) await once(events, 'data');
  watch.destroy();
  await rollcall.terminate('user-service');
  await rollcall.restart('user-service'); // and the gateway connects to it with its new certificate
  expect(await ask(rollcall, `/v1/users/${String(created.json['id'])}`)).toMatchObject({ status: 200 });
});
