import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type Asset, readAsset } from '@rollcall/openapi';

/** A file of the page, in the encodings that were made of it when it was built. */
export type PageFile = ReadonlyMap<Encoding, Asset>;

/** The best first. @see https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1 */
export const encodings = ['br', 'gzip', 'identity'] as const;
export type Encoding = (typeof encodings)[number];
const suffixes: Readonly<Record<Encoding, string>> = { br: '.br', gzip: '.gz', identity: '' };

/** The page that was built, which comes as a package: nothing of it is imported. */
export interface Page {
  readonly start: PageFile;
  /** By their names, which change with their contents. */
  readonly assets: ReadonlyMap<string, PageFile>;
}

/** Reads the page. @throws Error when it was not built */
export function readPage(): Page {
  const start = findStart();
  const folder = new URL('assets/', start);
  const names = readdirSync(folder).filter((name) => !/\.(br|gz)$/.test(name));
  return {
    start: readEncodings(start),
    assets: new Map(names.map((name) => [name, readEncodings(new URL(name, folder))])),
  };
}

function findStart(): URL {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve('@rollcall/web/index.html'));
  } catch (cause) {
    throw new Error('the page is not built: run "npm run build"', { cause });
  }
}

function readEncodings(file: URL): PageFile {
  const { type } = readAsset(file);
  return new Map(
    encodings.flatMap((encoding) => {
      const encoded = new URL(`${file.href}${suffixes[encoding]}`);
      return existsSync(encoded) ? [[encoding, { ...readAsset(encoded), type }] as const] : [];
    }),
  );
}
