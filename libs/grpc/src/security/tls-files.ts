import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { Logger, type LoggerService } from '@nestjs/common';

/** What a process speaks TLS with. Files are PEM, and are read again when they change (see TlsFiles). */
export interface TlsConfig {
  /** The path of the certificate of this process, with those between it and its authority behind it. */
  readonly cert?: string;
  /** The path of its key. Either both are there or neither. */
  readonly key?: string;
  /** The path of the certificates of the authorities that peers are verified against. */
  readonly ca?: string;
  /** The callers that a server admits, by the DNS names in their certificates, in lower case; empty: all that `ca` vouches for. */
  readonly callers: readonly string[];
  /** How often the files are looked at, in milliseconds. */
  readonly reloadMs: number;
  /** What errors call the files, such as the variables that name them; `cert`, `key` and `ca` by default. */
  readonly names?: Names;
}

/** What the files hold, checked: the key fits the certificate, and OpenSSL takes all of it. */
export interface TlsMaterial {
  /** The certificate of this process itself. */
  readonly own?: X509Certificate;
  /** What listeners are made with. */
  readonly options: SecureContextOptions;
  /** What callers connect with. */
  readonly context: SecureContext;
}

interface Contents {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ca?: Buffer;
}

const parts = ['cert', 'key', 'ca'] as const;
type Part = (typeof parts)[number];
type Names = Readonly<Record<Part, string>>;

/**
 * The files that a process speaks TLS with, as they are now. While somebody watches them they are read every so often,
 * which also finds what was renamed or linked into their place. Files that are broken, or half replaced, leave the last
 * good ones in use.
 */
export class TlsFiles {
  /** See TlsConfig. */
  readonly callers: readonly string[];
  /** Whether peers are verified. */
  readonly verifiesPeers: boolean;
  readonly #config: TlsConfig;
  readonly #names: Names;
  readonly #logger: LoggerService;
  readonly #watchers = new Set<(material: TlsMaterial) => void>();
  #contents: Contents;
  #material: TlsMaterial;
  #timer: NodeJS.Timeout | undefined;
  #reading = false;
  /** How many looks in a row have found what cannot be used. */
  #failures = 0;

  /** Reads the files. @throws Error that names the file which cannot be used, and says nothing of its contents */
  constructor(config: TlsConfig, logger: LoggerService = new Logger('TLS')) {
    this.callers = config.callers;
    this.verifiesPeers = config.ca !== undefined;
    this.#config = config;
    this.#names = config.names ?? { cert: 'cert', key: 'key', ca: 'ca' };
    this.#logger = logger;
    this.#contents = Object.fromEntries(
      parts.map((part) => {
        const path = config[part];
        try {
          return [part, path === undefined ? undefined : readFileSync(path)];
        } catch (error) {
          throw unreadable(this.#names[part], error);
        }
      }),
    );
    this.#material = check(this.#contents, this.#names);
  }

  get current(): TlsMaterial {
    return this.#material;
  }

  /** Has the files looked at from now on, and tells of each change. @returns what ends it */
  watch(onChange: (material: TlsMaterial) => void = () => undefined): () => void {
    const watcher = (material: TlsMaterial): void => onChange(material);
    this.#watchers.add(watcher);
    this.#timer ??= setInterval(() => void this.#look(), this.#config.reloadMs).unref();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async #look(): Promise<void> {
    if (this.#reading) return; // the disk is slower than we ask
    this.#reading = true;
    try {
      const contents = await this.#read();
      const changed = parts.some((part) => contents[part]?.equals(this.#contents[part] ?? nothing) === false);
      if (changed) this.#take(contents, check(contents, this.#names));
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      // Files are seldom replaced in one stroke: what fits at the next look is not worth a word.
      if (this.#failures === 2)
        this.#logger.warn(`${(error as Error).message}; what was read before stays in use until that is mended`);
    } finally {
      this.#reading = false;
    }
  }

  async #read(): Promise<Contents> {
    const read = parts.map(async (part) => {
      const path = this.#config[part];
      const contents = path === undefined ? undefined : readFile(path);
      return [
        part,
        await contents?.catch((error: unknown) => Promise.reject(unreadable(this.#names[part], error))),
      ] as const;
    });
    return Object.fromEntries(await Promise.all(read));
  }

  #take(contents: Contents, material: TlsMaterial): void {
    this.#contents = contents;
    this.#material = material;
    const until = material.own === undefined ? '' : `; the certificate is valid until ${material.own.validTo}`;
    this.#logger.log(`The files of TLS have changed, and hold for new connections${until}`);
    for (const watcher of this.#watchers) watcher(material);
  }
}

const nothing = Buffer.alloc(0);

function unreadable(name: string, cause: unknown): Error {
  const { code } = cause as NodeJS.ErrnoException;
  return new Error(`${name}: the file that it names cannot be read (${code})`, { cause });
}

/** @throws Error that names the file which cannot be used */
function check({ cert, key, ca }: Contents, names: Names): TlsMaterial {
  const own = cert === undefined ? undefined : certificatesOf(names.cert, cert)[0];
  const authorities = ca === undefined ? undefined : certificatesOf(names.ca, ca).map(String);
  if (key !== undefined && own?.checkPrivateKey(privateKeyOf(names.key, key)) === false)
    throw new Error(`${names.key}: the key does not belong to the certificate of ${names.cert}`);
  const options: SecureContextOptions = { cert, key, ca: authorities, minVersion: 'TLSv1.2' };
  try {
    return { own, options, context: createSecureContext(options) };
  } catch (error) {
    const { reason = 'unknown reason' } = error as { reason?: string };
    throw new Error(`${names[cert === undefined ? 'ca' : 'cert']}: OpenSSL refuses it (${reason})`, {
      cause: error,
    });
  }
}

/** All certificates of a file. Left to itself, OpenSSL takes authorities up to the first that it cannot read, without a word. */
function certificatesOf(name: string, pem: Buffer): X509Certificate[] {
  const text = pem.toString('latin1');
  const begun = text.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0;
  const whole = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const broken = (cause?: unknown): Error =>
    new Error(`${name}: the file holds no certificate in PEM, or one that is not whole`, { cause });
  if (begun === 0 || whole.length < begun) throw broken();
  try {
    return whole.map((block) => new X509Certificate(block));
  } catch (error) {
    throw broken(error);
  }
}

function privateKeyOf(name: string, pem: Buffer): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new Error(`${name}: the file holds no private key in PEM that can be read without a passphrase`, {
      cause: error,
    });
  }
}
