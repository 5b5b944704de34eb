import { Metadata } from '@grpc/grpc-js';
import { defaultCallerLimits } from '@rollcall/access';
import type { CallOptions } from '@rollcall/grpc';
import { firstValueFrom } from 'rxjs';
import { type Config, type Database, readConfig } from '../../src/config.ts';
import type { SignInConfig } from '../../src/sign-in/sign-in-environment.ts';
import { startService } from '../service.ts';

/** The option of a call that is made with a credential. */
export function by(secret: string): CallOptions {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${secret}`);
  return { metadata };
}

/** The secret of a sign-in link. */
export function secretOf(link: string | undefined): string {
  const secret = link?.split('#')[1];
  if (secret === undefined) throw new Error('there is no link');
  return secret;
}

/** Starts the service with local sign-in. The limits are far away, unless the test brings its own. */
export function startWithSignIn(signIn: Partial<SignInConfig> = {}, database?: Database, config: Partial<Config> = {}) {
  const limits = {
    ...defaultCallerLimits,
    callsPerAddress: { perSecond: 10_000, burst: 10_000 },
  };
  const local = readConfig({ LOCAL_SIGN_IN: '1' }).signIn;
  return startService(database, { ...config, signIn: { ...local, limits, ...signIn } });
}

type SignedInService = Awaited<ReturnType<typeof startWithSignIn>>;

/** Signs the first administrator in. @returns the secret of the session */
export async function administrator(service: SignedInService): Promise<string> {
  const secret = secretOf(await service.firstLink());
  return (await firstValueFrom(service.access.createSession({ secret }))).secret;
}

/** Makes a token of a user. @returns its secret */
export async function tokenOf(
  service: SignedInService,
  asAdministrator: string,
  userId: string,
  name = 'test',
): Promise<string> {
  const made = await firstValueFrom(service.access.createToken({ userId, name, validDays: 1 }, by(asAdministrator)));
  return made.secret;
}
