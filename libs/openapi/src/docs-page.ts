import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** A file of a page. */
export interface Asset {
  /** Its Content-Type. */
  readonly type: string;
  readonly body: Buffer;
  /** Changes with the content; in quotes, as the ETag header has it. */
  readonly etag: string;
}

/**
 * The Content-Security-Policy that the page works under: nothing from other hosts, no inline script and no inline style
 * element. Swagger UI has icons in `data:`.
 */
export const docsContentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Beside `src` in the sources and beside `dist` in a build. */
const own = new URL('../docs/', import.meta.url);

/**
 * The files of the page that shows `../openapi.json` to people, by their path under `/docs/`; the page itself is at the
 * empty path. Its links are relative, so `/docs` without the slash has to be redirected.
 *
 * @throws Error when a file is missing
 */
export function docsAssets(): Map<string, Asset> {
  const swaggerUi = pathToFileURL(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  return new Map([
    ['', readAsset(new URL('index.html', own))],
    ...['docs.css', 'docs.js', 'favicon.svg'].map((name) => [name, readAsset(new URL(name, own))] as const),
    ...['swagger-ui.css', 'swagger-ui-bundle.js'].map((name) => [name, readAsset(new URL(name, swaggerUi))] as const),
  ]);
}

/** Reads a file of a page. @throws Error when it is missing */
export function readAsset(file: URL): Asset {
  const body = readFileSync(file);
  const type = types[file.pathname.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
  return { type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
