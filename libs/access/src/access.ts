export { defaultCallerLimits, readCallerLimits, readTutorialUserId } from './authorization/environment.ts';
export { type AccessRule, accessRuleOf, isOpenToAll, type OwnRecordRule } from './authorization/access-rule.ts';
export { describedAccess } from './authorization/described-access.ts';
export { credentialInvalid, notPermitted } from './errors/access-errors.ts';
export { type AddressKeys, addressKeys } from './addresses/address-keys.ts';
export {
  Authorization,
  type AuthorizationOptions,
  type Denial,
  localAuthorization,
  type Redeemed,
} from './authorization/authorization.ts';
export { bearerOf } from './callers/bearer.ts';
export { callAddress } from './addresses/call-address.ts';
export { type Caller, callerOf, type CredentialKind, currentCaller } from './callers/caller.ts';
export { CallerCache, type KnownCaller, type LookUpCallers } from './callers/caller-cache.ts';
export type { CallerLimits } from './rates/caller-rates.ts';
export { DenialReports } from './authorization/denial-reports.ts';
export { proxySign } from './addresses/proxy-signs.ts';
export { readPublicUrl } from './addresses/public-url.ts';
export { RemoteCallers, type ReportWrite } from './authorization/remote-callers.ts';
export { makeServiceToken, readServiceToken, readServiceTokenFile } from './callers/service-token.ts';
export {
  forwardedAddress,
  readTrustedProxies,
  type TrustedProxies,
  unixPeer,
  unknownAddress,
} from './addresses/trusted-proxies.ts';
