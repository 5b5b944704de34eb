import { createHash, randomBytes } from 'node:crypto';
import { type JWKS, Provider } from 'oidc-provider';
import { RestartableServer } from './restartable-server.ts';
import type { NamedKey } from '@rollcall/test-servers';

export const audience = 'https://rollcall.example';

const redirectUri = 'https://client.example/signed-in';

/** A certified OpenID provider, which issues access tokens to a client of its own, and ID tokens to people. */
export class OpenidProvider extends RestartableServer {
  /** How often it was asked for its keys. */
  get keyRequests(): number {
    return this.asked.filter((path) => path === '/jwks').length;
  }

  /** Becomes a provider with these keys, the first of which signs, and with these claims in every token. */
  configure(keys: readonly NamedKey[], claims: Readonly<Record<string, unknown>>): void {
    const alg = keys[0]?.privateKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
    const secret = { client_secret: 'secret', id_token_signed_response_alg: alg } as const;
    const provider = new Provider(this.url, {
      jwks: keySetOf(keys),
      clients: [
        {
          client_id: 'machine',
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
          ...secret,
        },
        {
          client_id: 'page',
          grant_types: ['authorization_code'],
          redirect_uris: [redirectUri],
          response_types: ['code'],
          ...secret,
        },
      ],
      ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
      cookies: { keys: [randomBytes(16).toString('hex')] },
      claims: { email: ['email', 'email_verified'] },
      conformIdTokenClaims: false, // with the claims in the ID token itself
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims }) }),
      extraTokenClaims: () => ({ ...claims }),
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({ scope: '', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg } } }),
        },
      },
    });
    const callback = provider.callback();
    this.listener = (request, response) => void callback(request, response);
  }

  /** An access token, by the client's own right. */
  async accessToken(): Promise<string> {
    const { access_token: token } = await this.#token('machine', {
      grant_type: 'client_credentials',
      resource: audience,
    });
    return String(token);
  }

  /** An ID token of a person who signs in on the provider's pages and consents. It is meant for the client `page`. */
  async idToken(person: string): Promise<string> {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: 'page',
      response_type: 'code',
      scope: 'openid email',
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const code = await this.#signIn(`${this.url}/auth?${query}`, person);
    const { id_token: token } = await this.#token('page', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
    return String(token);
  }

  /** Goes where the pages lead, and fills in their forms. @returns the code that the client gets */
  async #signIn(start: string, person: string): Promise<string> {
    const cookies = new Map<string, string>();
    let at = start;
    for (let step = 0; step < 12; step += 1) {
      const headers = {
        connection: 'close',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      };
      let response = await fetch(at, { headers, redirect: 'manual' });
      const form = /name="prompt" value="(?<prompt>\w+)"/.exec(await response.text())?.groups?.['prompt'];
      if (form !== undefined) {
        const body = new URLSearchParams({ prompt: form, login: person, password: 'any' });
        response = await fetch(at, { method: 'POST', headers, body, redirect: 'manual' });
      }
      for (const cookie of response.headers.getSetCookie()) {
        const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=');
        cookies.set(name, value);
      }
      at = new URL(response.headers.get('location') ?? '', this.url).href;
      const code = new URL(at).searchParams.get('code');
      if (code !== null) return code;
    }
    throw new Error(`the sign-in ended at ${at}`);
  }

  async #token(client: string, fields: Record<string, string>): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.url}/token`, {
      method: 'POST',
      headers: { connection: 'close', authorization: `Basic ${Buffer.from(`${client}:secret`).toString('base64')}` },
      body: new URLSearchParams(fields),
    });
    if (response.status !== 200) throw new Error(`the provider answered: ${await response.text()}`);
    const answer: unknown = await response.json();
    return { ...(answer as object) };
  }
}

/** The keys as a provider is told them, with their private parts. */
export function keySetOf(keys: readonly NamedKey[]): JWKS {
  return { keys: keys.map(({ kid, privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig' })) };
}
