/**
 * The headers by which proxies tell of themselves or of whom they call for. Each is the registered one, or what a widely
 * used proxy or network sends.
 */
const names: ReadonlySet<string> = new Set([
  'forwarded', // RFC 7239
  'via', // RFC 9110, section 7.6.3
  'cdn-loop', // RFC 8586
  'client-ip',
  'true-client-ip',
  'proxy-client-ip',
  'wl-proxy-client-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'remote-ip',
  'do-connecting-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'cf-ray',
  'cf-visitor',
  'cf-ipcountry',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-remote-ip',
  'x-remote-addr',
  'x-originating-ip',
  'x-proxyuser-ip',
  'x-appengine-user-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-nginx-proxy',
  'x-varnish',
  'x-amzn-trace-id',
  'x-amz-cf-id',
  'x-arr-clientip',
  'x-envoy-external-address',
  'x-envoy-internal',
  'x-vercel-id',
  'x-nf-client-connection-ip',
]);

/** What goes along with X-Forwarded-For, which is read: it says whom the proxy calls for. */
const besideForwardedFor: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
]);

/**
 * The first header that shows that a proxy stands between the caller and this server and does not say in X-Forwarded-For
 * whom it calls for; undefined when none does. What the others say is not read: nobody has vouched for it.
 *
 * @param headers the names of all headers, in lower case
 */
export function proxySign(headers: readonly string[]): string | undefined {
  return headers.find(
    (name) =>
      names.has(name) ||
      name.startsWith('x-original-') ||
      (name.startsWith('x-forwarded') && !(besideForwardedFor.has(name) && headers.includes('x-forwarded-for'))),
  );
}
