/** What is said of a URL that is refused. */
export const secureUrlRule = 'is no https:// URL, or http:// URL of a loopback host, without user and fragment';

/**
 * Whether a URL leads to the host that it names and to no other: over TLS, or without leaving this machine. It names no
 * user either, so that it can be shown in logs.
 */
export function isSecureUrl(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || !/^https?:\/\/[^\s\p{Cc}#]+$/iu.test(value) || url.username !== '' || url.password !== '')
    return false;
  return url.protocol === 'https:' || isLoopback(url.hostname);
}

/** @param host as URL writes it: lower case, IPv4 addresses in four decimal parts, IPv6 addresses in brackets */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
