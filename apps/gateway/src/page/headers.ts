import { docsContentSecurityPolicy } from '@rollcall/openapi';

/** Nothing from elsewhere, nothing inline, no frames and no forms. */
const contentSecurityPolicy = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'",
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
].join('; ');

/** No text of these pages becomes markup. */
const noMarkup = "require-trusted-types-for 'script'; trusted-types 'none'";

/** What no page of ours uses, and nothing that it might be tricked into loading may use. */
const permissionsPolicy = [
  'accelerometer',
  'browsing-topics',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'hid',
  'identity-credentials-get',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'usb',
  'xr-spatial-tracking',
]
  .map((feature) => `${feature}=()`)
  .join(', ');

/**
 * What a page says to browsers of itself: it shares its process, its window and its origin with nobody.
 *
 * @see https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html
 */
const isolation = {
  'permissions-policy': permissionsPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'origin-agent-cluster': '?1',
};

/** The headers of the page, and of the page to sign in. */
export const pageHeaders: Readonly<Record<string, string>> = {
  ...isolation,
  'content-security-policy': `${contentSecurityPolicy}; ${noMarkup}`,
};

/** The headers of the docs: Swagger UI makes markup of text, which it cleans. */
export const docsHeaders: Readonly<Record<string, string>> = {
  ...isolation,
  'content-security-policy': docsContentSecurityPolicy,
};
