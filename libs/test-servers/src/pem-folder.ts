import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Authority, Identity } from './certificates.ts';

/** What of it is given is replaced. */
export interface Pems {
  readonly identity?: Identity;
  readonly authority?: Authority;
}

/** The files that a process speaks TLS with, in a folder that is gone at the end. */
export interface PemFolder extends Disposable {
  /** Where they are. */
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** Puts others in their place as Kubernetes does: a link to the folder of all of them is exchanged. */
  replace(pems: Pems): void;
}

/** Makes a folder of the files that are given. */
export function makePemFolder(pems: Pems): PemFolder {
  const folder = mkdtempSync(join(tmpdir(), 'pem-'));
  const data = join(folder, 'data');
  let versions = 0;
  const write = (holding: Pems): void => {
    const version = mkdtempSync(join(folder, 'version-'));
    const { identity, authority } = holding;
    if (identity !== undefined) {
      writeFileSync(join(version, 'tls.crt'), identity.cert);
      writeFileSync(join(version, 'tls.key'), identity.key, { mode: 0o600 });
    }
    if (authority !== undefined) writeFileSync(join(version, 'ca.crt'), authority.cert);
    versions += 1;
    const link = `${data}-${versions}`;
    symlinkSync(version, link);
    renameSync(link, data);
  };
  write(pems);
  let current = pems;
  return {
    cert: join(data, 'tls.crt'),
    key: join(data, 'tls.key'),
    ca: join(data, 'ca.crt'),
    replace: (others) => write((current = { ...current, ...others })),
    [Symbol.dispose]: () => {
      unlinkSync(data);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
