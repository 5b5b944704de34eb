import { type Environment, readWhole } from '@rollcall/environment';

/** Where NATS is, and who we are there: it holds secrets. */
export interface NatsConfig {
  /** As `host:port`. */
  readonly servers: readonly string[];
  /** Whether only encrypted connections will do. They are also made when the server asks for them. */
  readonly tls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** How many servers of a cluster keep a room: 1, 3 or 5. */
  readonly replicas: number;
  /** What all names in NATS begin with, so that several systems can share it. */
  readonly prefix: string;
}

const wrongUrl = 'NATS_URL: it is no URL such as nats://user:password@host:4222, nor several, separated by commas';

/**
 * Reads `NATS_URL`, `NATS_REPLICAS` and `NATS_PREFIX`. The URL is a secret and is never shown.
 *
 * @returns undefined when there is no `NATS_URL`: the log is embedded
 * @throws Error that names the variable whose value is wrong
 */
export function readNats(env: Environment): NatsConfig | undefined {
  const value = env['NATS_URL'];
  if (!value) return undefined;
  const urls = value.split(',').map((part) => readUrl(part.trim()));
  const [first] = urls;
  if (first === undefined) throw new Error(wrongUrl);
  const { tls, user, password } = first;
  if (urls.some((url) => url.tls !== tls || url.user !== user || url.password !== password))
    throw new Error('NATS_URL: its URLs differ in more than the host: all begin alike, user and password included');
  const replicas = readWhole(env, 'NATS_REPLICAS', 1, 5);
  if (replicas % 2 === 0) throw new Error(`NATS_REPLICAS: "${replicas}" is none of 1, 3 and 5`);
  const prefix = env['NATS_PREFIX'] || 'rollcall';
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(prefix))
    throw new Error(`NATS_PREFIX: "${prefix}" is not 1 to 32 lower-case letters, digits and hyphens`);
  return Object.freeze({ servers: urls.map(({ server }) => server), tls, user, password, replicas, prefix });
}

function readUrl(text: string): {
  readonly server: string;
  readonly tls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
} {
  if (!/^(nats|tls):\/\/[^/?#]+\/?$/.test(text) || !URL.canParse(text)) throw new Error(wrongUrl);
  const { protocol, hostname, port, username, password } = new URL(text);
  // A user without a password would be a token, which is not offered: it is one secret for everybody.
  if (hostname === '' || (username === '') !== (password === '')) throw new Error(wrongUrl);
  return {
    server: `${hostname}:${port || '4222'}`,
    tls: protocol === 'tls:',
    user: readPart(username),
    password: readPart(password),
  };
}

function readPart(part: string): string | undefined {
  try {
    return part === '' ? undefined : decodeURIComponent(part);
  } catch {
    throw new Error(wrongUrl); // without what could not be read, which is a secret
  }
}
