import type { Environment } from '@rollcall/environment';

/**
 * Reads `PUBLIC_URL`: under which address browsers reach the gateway. By default it is that of the gateway on this machine.
 *
 * @returns an origin, such as `https://rollcall.example.com`
 * @throws Error that names the variable whose value is wrong
 */
export function readPublicUrl(env: Environment): string {
  const port = /:(\d+)$/.exec(env['GATEWAY_LISTEN'] ?? '')?.[1] ?? '3000';
  const value = env['PUBLIC_URL'] || `${env['TLS_CERT'] ? 'https' : 'http'}://localhost:${port}`;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`)
    throw new Error(`PUBLIC_URL: "${value}" is no address such as https://rollcall.example.com`);
  return url.origin;
}
