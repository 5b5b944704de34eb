import {
  Authorization,
  CallerCache,
  DenialReports,
  localAuthorization,
  RemoteCallers,
  readServiceToken,
} from '@rollcall/access';
import type { Authorize, IncomingCall } from '@rollcall/grpc';
import type { callers } from '@rollcall/proto';
import type { Config } from './config.ts';

/** Makes what every call of the service passes: user-service says whom credentials stand for. @returns it, and what ends it */
export function authorizeCalls(
  { protectedMode, serviceTokenFile, tutorialUserId, callerLimits: limits }: Config,
  client: callers.CallerServiceClient,
  addressOf: (call: IncomingCall) => string,
): { readonly authorize: Authorize; readonly close: () => Promise<void> } {
  if (protectedMode) return { authorize: localAuthorization(addressOf), close: () => Promise.resolve() };
  const remote = new RemoteCallers(client, () => readServiceToken(serviceTokenFile));
  const cache = new CallerCache(remote.lookUp).start();
  const denials = new DenialReports((some) => remote.report(some));
  const standIn =
    tutorialUserId === undefined ? undefined : { credential: `@${tutorialUserId}`, as: 'tutorial' as const };
  const { authorize } = new Authorization({
    callers: cache,
    limits,
    addressOf,
    redeem: remote.redeem,
    standIn: ({ service }) => (service === 'grpc.ChatServer' ? standIn : undefined),
    onDenied: (denial) => denials.add(denial),
  });
  return {
    authorize,
    close: async () => {
      cache.close();
      await denials.close();
    },
  };
}
