import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

/** Writes a small workspace, and lints one of its files by the rules of this one. */
function lint(file: string, source: string): { code: number | null; output: string } {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, source);
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules/.bin/oxlint'),
    ['-c', join(root, '.oxlintrc.json'), path],
    { cwd: folder, encoding: 'utf8' },
  );
  return { code: status, output: stdout + stderr };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boundaries-'));
  const project = (path: string, name: string, tag: string, dependencies: Record<string, string>): void => {
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(
      join(folder, path, 'package.json'),
      JSON.stringify({ name, type: 'module', dependencies, peerDependencies: { rxjs: '0' }, nx: { tags: [tag] } }),
    );
  };
  project('libs/grpc', '@rollcall/grpc', 'lib:grpc', {
    '@rollcall/contract': '0',
    '@rollcall/proto': '0',
    '@rollcall/transcoder': '0',
  });
  const ofRollcall = { '@rollcall/proto': '0', '@rollcall/access': '0', '@rollcall/environment': '0' };
  for (const name of ['contract', 'grpc-batching', 'transcoder', 'openapi'])
    project(`libs/${name}`, `@rollcall/${name}`, `lib:${name}`, { ...ofRollcall, '@rollcall/gateway': '0' });
  project('examples/orders', 'orders', 'app:gateway', { '@rollcall/grpc': '0', '@rollcall/access': '0' });
  project('apps/gateway', '@rollcall/gateway', 'app:gateway', {
    '@rollcall/transcoder': '0',
    '@rollcall/user-service': '0',
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

it('passes an import that is declared and allowed', () => {
  expect(
    lint(
      'libs/grpc/src/good.ts',
      "export { Observable } from 'rxjs';\nexport * from '@rollcall/contract';\nexport * from './other.ts';\n",
    ).code,
  ).toBe(0);
});

it.each([
  [
    'a lib that imports against the direction',
    'libs/grpc/src/up.ts',
    '@rollcall/transcoder',
    '@rollcall/grpc may not import @rollcall/transcoder',
  ],
  [
    'an app that imports an app',
    'apps/gateway/src/app.ts',
    '@rollcall/user-service',
    '@rollcall/gateway may not import @rollcall/user-service',
  ],
  [
    'an example that imports what strangers cannot install',
    'examples/orders/src/access.ts',
    '@rollcall/access',
    'orders may not import @rollcall/access',
  ],
  ['an import that is not declared', 'libs/grpc/src/bare.ts', 'kysely', '"kysely" is not declared'],
  [
    'a relative import that leaves the project',
    'libs/grpc/src/away.ts',
    '../../proto/src/proto.ts',
    'leaves @rollcall/grpc',
  ],
])('fails on %s', (_, file, specifier, message) => {
  const { code, output } = lint(file, `export * from '${specifier}';\n`);
  expect(code).toBe(1);
  expect(output).toContain(message);
});

it.each(
  ['contract', 'grpc-batching', 'transcoder', 'openapi'].flatMap((library) =>
    ['proto', 'access', 'environment', 'gateway'].map((imported) => [library, imported] as const),
  ),
)('fails on the generic library %s when its sources import %s', (library, imported) => {
  const { code, output } = lint(`libs/${library}/src/${imported}.ts`, `export * from '@rollcall/${imported}';\n`);
  expect(code).toBe(1);
  expect(output).toContain(`@rollcall/${library} may not import @rollcall/${imported}`);
});

it('passes the generic libraries in an example', () => {
  expect(lint('examples/orders/src/service.ts', "export * from '@rollcall/grpc';\n").code).toBe(0);
});

it('passes the protos of Rollcall in the tests of a generic library', () => {
  expect(lint('libs/grpc/test/contract.spec.ts', "export * from '@rollcall/proto';\n").code).toBe(0);
});

it('is loaded by the configuration of this workspace', () => {
  const rules = execFileSync(
    join(root, 'node_modules/.bin/oxlint'),
    ['--print-config', '-c', join(root, '.oxlintrc.json')],
    { cwd: root, encoding: 'utf8' },
  );
  expect(rules).toContain('boundaries/imports');
});
