import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type NamedKey, newKey, signToken } from './tokens/signed-tokens.ts';
import { publicJwk } from './tokens/token-maker.ts';

/** An OpenID Connect issuer that has two keys and serves no sign-in: enough to have tokens verified. */
export interface OpenIdIssuer extends AsyncDisposable {
  readonly issuer: string;
  readonly rsa: NamedKey;
  readonly ec: NamedKey;
  /** A token with these claims, for an hour. */
  token(claims: Readonly<Record<string, unknown>>): string;
}

/** The audience of its tokens. */
const audience = 'rollcall';

/** Starts an issuer on this machine. @see https://openid.net/specs/openid-connect-discovery-1_0.html */
export async function startIssuer(): Promise<OpenIdIssuer> {
  const rsa = newKey('rsa', 'rsa');
  const ec = newKey('ec', 'ec');
  const keys = [rsa, ec].map(({ kid, privateKey }) => ({ ...publicJwk(privateKey), kid, use: 'sig' }));
  const server = createServer((request, response) => {
    const isDiscovery = request.url === '/.well-known/openid-configuration';
    const document = isDiscovery ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    rsa,
    ec,
    token: (claims) => {
      const iat = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer, aud: audience, sub: 'somebody', iat, exp: iat + 3600, ...claims };
      return signToken({ alg: 'ES256', kid: ec.kid }, payload, ec.privateKey, 'ES256');
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
