export { defaultCallerLimits, readCallerLimits, readTutorialUserId } from './access-environment.ts';
export { credentialInvalid, notPermitted } from './access-errors.ts';
export {
  Authorization,
  type AuthorizationOptions,
  type CallerLimits,
  type Denial,
  localAuthorization,
  type Redeemed,
} from './authorization.ts';
export { bearerOf } from './bearer.ts';
export { callAddress } from './call-address.ts';
export { type Caller, callerOf, type CredentialKind, currentCaller } from './caller.ts';
export { CallerCache, type KnownCaller, type LookUpCallers } from './caller-cache.ts';
export { DenialReports } from './denial-reports.ts';
export { readPublicUrl } from './public-url.ts';
export { RemoteCallers } from './remote-callers.ts';
export { makeServiceToken, readServiceToken, readServiceTokenFile } from './service-token.ts';
export { forwardedAddress, readTrustedProxies, type TrustedProxies, unixPeer } from './trusted-proxies.ts';
