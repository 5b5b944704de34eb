import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);

interface Row {
  readonly names: readonly string[];
  readonly defaults: readonly string[];
  readonly readers: readonly string[];
}

type ReadConfig = (env: Readonly<Record<string, string | undefined>>) => unknown;

/** The tables of the operators' chapter on configuration. */
const rows = [
  ...readFileSync(new URL('docs/operators.md', root), 'utf8').matchAll(
    /^\| (?<names>`[A-Z].*?) \| (?<to>.*?) \| (?<by>.*?) \|/gm,
  ),
].map(({ groups: { names = '', to = '', by = '' } = {} }): Row => {
  const listed = (cell: string): string[] =>
    cell
      .trim()
      .split(' · ')
      .map((part) => part.replaceAll('`', ''));
  return { names: listed(names), defaults: listed(to), readers: by.trim().split(', ') };
});

/** Each app with what makes it read all its variables. */
const apps = [
  ['gateway', 'gateway', {}],
  ['user', 'user-service', { DATABASE_URL: 'postgresql://a:b@localhost/c' }],
  ['chat', 'chat-service', { NATS_URL: 'nats://localhost:4222' }],
] as const;
const signIn = { OIDC_ISSUER: 'https://issuer.example.com', OIDC_AUDIENCE: 'rollcall' };

test.each(apps)(
  'docs/operators.md names the variables that %s reads, no others, and the defaults that they have',
  async (...app) => {
    const [reader, folder, more] = app;
    const { readConfig } = (await import(new URL(`apps/${folder}/dist/config.js`, root).href)) as {
      readConfig: ReadConfig;
    };
    const full = { ...signIn, ...more };
    const read = new Set<string>();
    for (const env of [{}, full]) {
      const get = (target: Readonly<Record<string, string>>, name: string): string | undefined => {
        read.add(name);
        return target[name];
      };
      readConfig(new Proxy<Readonly<Record<string, string>>>(env, { get }));
    }
    const own = rows.filter(({ readers }) => readers.includes(reader) || readers.includes('all'));
    expect(own.flatMap(({ names }) => names).toSorted()).toEqual([...read].toSorted());
    for (const { names, defaults } of own) {
      for (const [index, name] of names.entries()) {
        const value = defaults[index] ?? defaults[0];
        if (value === 'none') continue;
        for (const env of name.startsWith('OIDC_') ? [full] : [{}, full])
          expect(JSON.stringify(readConfig({ ...env, [name]: value })), `${name}=${value}`).toEqual(
            JSON.stringify(readConfig(env)),
          );
      }
    }
  },
);
