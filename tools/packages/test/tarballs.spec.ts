import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { filesOf, libraries, manifestOf, root } from './libraries.ts';
import { run } from './run.ts';

describe.each(libraries)('the tarball of %s', (library) => {
  const tarball = inject('tarballs')[library] ?? '';
  const bin = [join(root, 'node_modules/.bin')];

  it('is what publint wants of a package', async () => {
    const { code, output } = await run('publint', ['run', tarball, '--strict'], root, bin);
    expect(output).toContain('All good!');
    expect(code).toBe(0);
  });

  it('has types that are resolved from ESM and by bundlers (attw)', async () => {
    // Of require(esm), which Node 22 has, attw knows nothing: a CommonJS app is another test.
    const { code, output } = await run('attw', [tarball, '--profile', 'esm-only', '--no-emoji'], root, bin);
    expect(code, output).toBe(0);
  });

  it('says how it may be used, and by whom', async () => {
    const files = await filesOf(tarball);
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'package.json']));
    const license = readFileSync(join(root, 'libs', library, 'LICENSE'), 'utf8');
    expect(license).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
    const manifest = manifestOf(library);
    expect(manifest).not.toHaveProperty('private');
    expect(manifest).toMatchObject({ license: 'Apache-2.0', engines: { node: '>=22.12' }, type: 'module' });
  });

  it('leaves Nest and what else an app has once to the app', () => {
    const { dependencies = {} } = manifestOf(library) as { dependencies?: Record<string, string> };
    const once = /^(@nestjs\/.*|rxjs|reflect-metadata|@grpc\/grpc-js|fastify)$/;
    expect(Object.keys(dependencies).filter((name) => once.test(name))).toEqual([]);
  });

  it('has what was built, the sources that its source maps lead to, and nothing of tests or of Rollcall', async () => {
    const files = await filesOf(tarball);
    const sources = new Set(files.filter((path) => path.startsWith('src/')));
    const built = files.filter((path) => /^dist\/.*\.js$/.test(path));
    expect(built.length).toBeGreaterThan(5);
    // What was removed from the sources, and is still in dist, would be packed.
    expect(built.filter((path) => !sources.has(path.replace(/^dist/, 'src').replace(/js$/, 'ts')))).toEqual([]);
    const maps = files.filter((path) => path.endsWith('.map'));
    expect(maps.length).toBe(2 * built.length);
    const { output } = await run('tar', ['xzOf', tarball, ...maps.map((path) => `package/${path}`)], root);
    const named = [...output.matchAll(/"sources":\["(?:\.\.\/)+(src\/[^"]+)"\]/g)].map(([, path]) => path ?? '');
    expect(named).toHaveLength(maps.length);
    expect(named.filter((path) => !sources.has(path))).toEqual([]);
    expect(files.filter((path) => /(^|\/)(test|\.tsbuildinfo)(\/|$)|rollcall\.binpb|tutorial/.test(path))).toEqual([]);
  });
});
