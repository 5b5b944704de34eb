import { chmodSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { GrpcChannel } from '@rollcall/grpc';
import { type access, rollcallContract, user, type userService } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import type { Bench, Result, RunOptions } from '../measure/bench.ts';
import { compareLoaded } from '../gateway/comparison.ts';
import { startRollcall } from '../gateway/servers.ts';
import { getRandomUser, seedUsers } from '../gateway/users.ts';
import { startIssuer } from '@rollcall/test-servers';
import { temporaryFolder } from '../measure/temporary-folder.ts';

/** So far away that a load does not reach them. */
const limits = { CALLER_CALLS_PER_SECOND: '1000000', CALLER_CALLS_BURST: '1000000' };

/** GET of one user, with sign-in and without. */
export const signInBench: Bench = {
  name: 'sign-in',
  summary: 'GET of one user over REST: in protected mode, by a token of ours, by a token of an OpenID Connect issuer',
  run: compareSignIns,
};

async function compareSignIns(options: RunOptions): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const folder = temporaryFolder(stack);
  options.progress('starting the servers, and filling their stores');
  const seed = join(folder, 'seed');
  const { userId, token } = await fill(seed, options.signal);
  const issuer = stack.use(await startIssuer());
  const oidc = { OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: 'rollcall', OIDC_USER_ID_CLAIM: 'user_id', ...limits };
  const variants = [
    { name: 'protected mode', env: {}, credential: undefined },
    { name: 'token', env: { LOCAL_SIGN_IN: '1', ...limits }, credential: token },
    { name: 'OpenID Connect', env: oidc, credential: issuer.token({ user_id: userId }) },
  ].map(({ name, env, credential }, index) => {
    const own = join(folder, String(index));
    cpSync(join(seed, 'data'), join(own, 'data'), { recursive: true });
    chmodSync(join(own, 'data'), 0o700);
    return { server: stack.use(startRollcall(own, name, env)), next: () => getRandomUser(credential) };
  });
  await Promise.all(variants.map(({ server }) => server.answers('/v1/caller', options.signal)));
  return await compareLoaded(
    'sign-in',
    options,
    variants,
    ['protected mode'],
    ['The goal is a cpuMicrosPerOp of at most 1.15 times that of protected mode.'],
  );
}

/** Fills a store. @returns an administrator, so that none has to be let in by a link, and the secret of a token */
async function fill(folder: string, signal: AbortSignal): Promise<{ userId: string; token: string }> {
  mkdirSync(folder);
  await using server = startRollcall(folder, 'seed', {});
  await server.answers('/v1/caller', signal);
  await seedUsers(server.socketPath);
  const channel = new GrpcChannel(`unix://${folder}/grpc.sock`);
  const users = channel.client<userService.UserServiceClient>(rollcallContract, 'rollcall.user.v1.UserService');
  const tokens = channel.client<access.AccessServiceClient>(rollcallContract, 'rollcall.access.v1.AccessService');
  const unset = { email: '', createTime: null, updateTime: null, deleteTime: null, purgeTime: null, etag: '' };
  const asked = { id: '0', name: 'Administrator', type: user.UserType.USER_TYPE_ADMINISTRATOR, ...unset };
  const { user: created } = await firstValueFrom(users.createUser({ user: asked, requestId: '' }));
  const userId = created?.id ?? '';
  const { secret } = await firstValueFrom(tokens.createToken({ userId, name: 'bench', validDays: 1 }));
  channel.close();
  return { userId, token: secret };
}
