import { generateKeyPairSync } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { type Authority, type Identity, makeAuthority, makePemFolder } from '@rollcall/test-servers';
import { firstValueFrom } from 'rxjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { TlsFiles } from '../../src/security/tls-files.ts';
import { connect } from '../faults/servers.ts';
import { startShelf, until } from '../shelf-service.ts';
import { makeParty } from './tls-service.ts';

/** As readTls has them. */
const names = { cert: 'TLS_CERT', key: 'TLS_KEY', ca: 'TLS_CA' };

let authority: Authority;
let identity: Identity;
let renewed: Identity;
let weak: Identity;

beforeAll(async () => {
  authority = await makeAuthority();
  [identity, renewed] = [await authority.issue({ names: ['a'] }), await authority.issue({ names: ['b'] })];
  weak = await authority.issue({ names: ['a'], rsaBits: 1024 });
});

const namesOf = ({ current }: TlsFiles): string | undefined => current.own?.subjectAltName;

describe('at the start', () => {
  /** The contents of the three files; undefined for a file that is not there. */
  type Contents = { [Part in 'cert' | 'key' | 'ca']?: string };

  function open(contents: Contents): TlsFiles {
    using folder = makePemFolder({ identity, authority });
    for (const part of ['cert', 'key', 'ca'] as const) {
      const text = contents[part];
      if (text !== undefined) writeFileSync(folder[part], text);
      else if (part in contents) rmSync(folder[part]);
    }
    return new TlsFiles({ cert: folder.cert, key: folder.key, ca: folder.ca, callers: [], reloadMs: 5, names });
  }

  it('takes a chain, several authorities, words between them, and a key beside its certificate', async () => {
    const other = await makeAuthority();
    const both = `${identity.key}${identity.cert}${authority.cert}`;
    const { current } = open({
      cert: both,
      key: both,
      ca: `# the old one\n${authority.cert}\nthe new one\n${other.cert}`,
    });
    expect(current.own?.subjectAltName).toBe('DNS:a');
  });

  it.each<[string, string, () => Contents]>([
    ['TLS_CERT', 'is not there', () => ({ cert: undefined })],
    ['TLS_KEY', 'is not there', () => ({ key: undefined })],
    ['TLS_CA', 'is not there', () => ({ ca: undefined })],
    ['TLS_CERT', 'is empty', () => ({ cert: '' })],
    ['TLS_CERT', 'is no PEM', () => ({ cert: 'secret' })],
    ['TLS_CERT', 'is a key', () => ({ cert: identity.key })],
    ['TLS_CERT', 'is cut off', () => ({ cert: identity.cert.slice(0, -40) })],
    ['TLS_CERT', 'is PEM of something else', () => ({ cert: identity.cert.replace(/\n\w{9}/, '\nsecretsec') })],
    ['TLS_KEY', 'is no PEM', () => ({ key: 'secret' })],
    ['TLS_KEY', 'is a certificate', () => ({ key: identity.cert })],
    ['TLS_KEY', 'is of another certificate', () => ({ key: renewed.key })],
    ['TLS_KEY', 'takes a passphrase', () => ({ key: encryptedKey() })],
    ['TLS_CA', 'is no PEM', () => ({ ca: 'secret' })],
    ['TLS_CA', 'has one that is cut off', () => ({ ca: authority.cert + authority.cert.slice(0, -40) })],
    ['TLS_CERT', 'is of a key that is too short', () => ({ ...weak })],
  ])('refuses a file whose variable is %s when it %s, and shows nothing of it', (name, _, contents) => {
    expect(() => open(contents())).toThrow(new RegExp(`^${name}: (?!.*(secret|BEGIN|pem-))`));
  });
});

describe('while they are watched', () => {
  it.each<[string, (path: string, text: string) => void]>([
    ['written over', (path, text) => writeFileSync(path, text)],
    [
      'renamed into their place',
      (path, text) => {
        writeFileSync(`${path}.new`, text);
        renameSync(`${path}.new`, path);
      },
    ],
  ])('takes files that are %s', async (_, put) => {
    using party = makeParty({ identity });
    const unwatch = party.files.watch();
    put(party.folder.cert, renewed.cert);
    put(party.folder.key, renewed.key);
    await until(() => namesOf(party.files) === 'DNS:b');
    expect(party.log.lines).toEqual([expect.stringMatching(/^The files of TLS have changed.+valid until /)]);
    unwatch();
  });

  it('takes files to which a link is exchanged', async () => {
    using party = makeParty({ identity });
    await party.replace({ identity: renewed });
    expect(namesOf(party.files)).toBe('DNS:b');
  });

  it.each<[string, (party: { readonly cert: string; readonly key: string }) => void, RegExp]>([
    ['half of a pair', ({ cert }) => writeFileSync(cert, renewed.cert), /^TLS_KEY: .+ stays in use/],
    ['half of a file', ({ cert }) => writeFileSync(cert, renewed.cert.slice(0, 300)), /^TLS_CERT: .+ stays in use/],
    ['nothing', ({ key }) => rmSync(key), /^TLS_KEY: .+ stays in use/],
  ])('keeps the last good files in use when they are replaced by %s, and says so once', async (_, spoil, warning) => {
    using folder = makePemFolder({ identity });
    const warnings: string[] = [];
    let looks = 0;
    const config = {
      get cert() {
        looks += 1;
        return folder.cert;
      },
      key: folder.key,
      callers: [],
      reloadMs: 1,
      names,
    };
    const files = new TlsFiles(config, {
      log: () => undefined,
      error: () => undefined,
      warn: (line: string) => warnings.push(line),
    });
    const unwatch = files.watch();
    const looked = async (times: number): Promise<void> => {
      const enough = looks + times;
      await until(() => looks >= enough);
    };
    spoil(folder);
    await until(() => warnings.length > 0);
    await looked(20);
    expect(namesOf(files)).toBe('DNS:a');
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    folder.replace({ identity: renewed });
    await until(() => namesOf(files) === 'DNS:b');
    spoil(folder);
    writeFileSync(folder.cert, identity.cert);
    await until(() => warnings.length === 2);
    unwatch();
  });
});

it('a server and a channel look at their files until they are closed', async () => {
  let watching = 0;
  class CountedFiles extends TlsFiles {
    override watch(onChange?: Parameters<TlsFiles['watch']>[0]): () => void {
      const unwatch = super.watch(onChange);
      watching += 1;
      return () => {
        watching -= 1;
        unwatch();
      };
    }
  }
  using folder = makePemFolder({ identity: await authority.issue({ names: ['localhost'] }), authority });
  const files = new CountedFiles({
    cert: folder.cert,
    key: folder.key,
    ca: folder.ca,
    callers: [],
    reloadMs: 5,
    names,
  });
  await using shelf = await startShelf({ readFile: () => ({ path: '' }) }, { tls: files });
  using caller = connect(shelf.target, { tls: files });
  await firstValueFrom(caller.client.readFile({ path: '' }));
  expect(watching).toBe(2);
  caller.close();
  expect(watching).toBe(1);
  await shelf.close();
  expect(watching).toBe(0);
});

function encryptedKey(): string {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
  });
  return privateKey;
}
