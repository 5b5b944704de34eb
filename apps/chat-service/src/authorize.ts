import { Authorization, CallerCache, DenialReports, localAuthorization, type RemoteCallers } from '@rollcall/access';
import type { Authorize, IncomingCall } from '@rollcall/grpc';
import type { Config } from './config.ts';

/** Makes what every call of the service passes: user-service says whom credentials stand for. @returns it, and what ends it */
export function authorizeCalls(
  { protectedMode, tutorialUserId, callerLimits: limits }: Config,
  remote: RemoteCallers,
  addressOf: (call: IncomingCall) => string,
): { readonly authorize: Authorize; readonly close: () => Promise<void> } {
  if (protectedMode) return { authorize: localAuthorization(addressOf), close: () => Promise.resolve() };
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
