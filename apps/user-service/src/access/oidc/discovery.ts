import { fetchJson } from './fetch-json.ts';
import { isSecureUrl, secureUrlRule } from './secure-url.ts';
import { SigningKeys } from './signing-keys.ts';

/**
 * Asks an issuer where its keys are, and then for its keys.
 *
 * @throws Error that says what is wrong with an answer
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
 */
export async function discoverKeys(issuer: string, signal: AbortSignal): Promise<SigningKeys> {
  const document = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
  if (typeof document !== 'object' || document === null) throw new Error('its configuration is no JSON object');
  // Section 4.3: else another issuer could put its keys in the place of this one's.
  if (!('issuer' in document) || document.issuer !== issuer) throw new Error('its configuration names another issuer');
  if (!('jwks_uri' in document) || typeof document.jwks_uri !== 'string' || !isSecureUrl(document.jwks_uri))
    throw new Error(`its jwks_uri ${secureUrlRule}`);
  return new SigningKeys(await fetchJson(document.jwks_uri, signal));
}
