import type { LookUpCallers } from '@rollcall/access';
import { RpcError } from '@rollcall/grpc';
import { user } from '@rollcall/proto';
import type { Credentials } from '../store/credentials/credentials.ts';
import { type ReadClaim, resolve } from './claims.ts';
import type { TokenRefusals } from './token-refusals.ts';

/** Says whom credentials stand for, now. */
export function lookUpCallers(credentials: Credentials, readClaim: ReadClaim, refusals: TokenRefusals): LookUpCallers {
  return async (asked) => {
    const claims = await Promise.all(asked.map(readClaim));
    const found = await resolve(claims, credentials.reads, (rows) => credentials.used(rows));
    for (const known of found)
      if (
        !(known instanceof RpcError) &&
        known.credential === 'oidc' &&
        known.type === user.UserType.USER_TYPE_UNSPECIFIED
      )
        refusals.unknownUser();
    return found;
  };
}
