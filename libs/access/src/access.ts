export { defaultCallerLimits, readCallerLimits, readTutorialUserId } from './access-environment.ts';
export { type AccessRule, accessRuleOf, isOpenToAll, type OwnRecordRule } from './access-rule.ts';
export { describedAccess } from './described-access.ts';
export { credentialInvalid, notPermitted } from './access-errors.ts';
export { type AddressKeys, addressKeys } from './address-keys.ts';
export {
  Authorization,
  type AuthorizationOptions,
  type Denial,
  localAuthorization,
  type Redeemed,
} from './authorization.ts';
export { bearerOf } from './bearer.ts';
export { callAddress } from './call-address.ts';
export { type Caller, callerOf, type CredentialKind, currentCaller } from './caller.ts';
export { CallerCache, type KnownCaller, type LookUpCallers } from './caller-cache.ts';
export type { CallerLimits } from './caller-rates.ts';
export { DenialReports } from './denial-reports.ts';
export { proxySign } from './proxy-signs.ts';
export { readPublicUrl } from './public-url.ts';
export { RemoteCallers } from './remote-callers.ts';
export { makeServiceToken, readServiceToken, readServiceTokenFile } from './service-token.ts';
export {
  forwardedAddress,
  readTrustedProxies,
  type TrustedProxies,
  unixPeer,
  unknownAddress,
} from './trusted-proxies.ts';
