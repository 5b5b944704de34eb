import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An OpenID Connect issuer that has one key and serves no sign-in: enough to have tokens verified. */
export interface OpenIdIssuer extends AsyncDisposable {
  readonly issuer: string;
  /** A token with these claims, for an hour. */
  token(claims: Readonly<Record<string, unknown>>): string;
}

/** Starts an issuer on this machine. @see https://openid.net/specs/openid-connect-discovery-1_0.html */
export async function startIssuer(): Promise<OpenIdIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { ...publicKey.export({ format: 'jwk' }), kid: 'only', alg: 'ES256', use: 'sig' };
  const server = createServer((request, response) => {
    const isDiscovery = request.url === '/.well-known/openid-configuration';
    const document = isDiscovery ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys: [key] };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return {
    issuer,
    token: (claims) => {
      const iat = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer, aud: 'rollcall', sub: 'somebody', iat, exp: iat + 3600, ...claims };
      const text = `${encoded({ alg: 'ES256', kid: key.kid })}.${encoded(payload)}`;
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
