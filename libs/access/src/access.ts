export { type Caller, callerOf, type CredentialKind, currentCaller } from './caller.ts';
export { readPublicUrl } from './public-url.ts';
export { forwardedAddress, readTrustedProxies, type TrustedProxies, unixPeer } from './trusted-proxies.ts';
