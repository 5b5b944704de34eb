export { type Authority, type Identity, type Issued, makeAuthority } from './certificates.ts';
export { freePort } from './free-port.ts';
export { type Nats, type NatsOptions, startNats, startNatsCluster } from './nats.ts';
export { type OpenIdIssuer, startIssuer } from './openid-issuer.ts';
export { makeDirectory } from './make-directory.ts';
export { makePemFolder, type PemFolder, type Pems } from './pem-folder.ts';
export { type Postgres, startPostgres } from './postgres.ts';
export { acceptedTokens, hostileTokens, type NamedToken, type TokenMaterial } from './tokens/hostile-tokens.ts';
export { type NamedKey, newKey, signToken } from './tokens/signed-tokens.ts';
