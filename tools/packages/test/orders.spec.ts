import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { root } from './libraries.ts';
import { run, succeed } from './run.ts';

const example = inject('example');
const node22 = inject('node22');
const nodes = [['Node 24', undefined] as const, ...(node22 === '' ? [] : [['Node 22', [node22]] as const])];
const rolldown = join(root, 'node_modules/.bin/rolldown');

/** Runs tests of Node's own runner. @returns what became of them */
async function nodeTest(folder: string, files: readonly string[], path?: readonly string[]): Promise<string> {
  const { output } = await run('node', ['--test', '--test-reporter=tap', ...files], folder, path);
  const count = (what: string): string =>
    new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? `no count:\n${output}`;
  return count('fail') === '0' ? `${count('pass')} passed` : output;
}

it('is a folder outside of this workspace, with each package once', () => {
  expect(example.startsWith(root)).toBe(false);
  const lock = JSON.parse(readFileSync(join(example, 'package-lock.json'), 'utf8')) as { packages: object };
  for (const name of ['@nestjs/core', 'rxjs', '@grpc/grpc-js', '@bufbuild/protobuf', '@rollcall/contract'])
    expect(Object.keys(lock.packages).filter((path) => path.endsWith(`node_modules/${name}`))).toHaveLength(1);
});

it('is compiled with all types of the libraries checked', async () => {
  const config = await succeed('npx', ['tsc', '--showConfig'], example);
  expect(JSON.parse(config)).toMatchObject({ compilerOptions: { skipLibCheck: false, strict: true } });
});

it.each(nodes)('serves all four kinds of calls, over gRPC and REST, on %s', async (_, path) => {
  expect(await nodeTest(example, ['dist/test/grpc.test.js', 'dist/test/rest.test.js'], path)).toBe('9 passed');
});

it('serves all four kinds of calls over gRPC with Nest 11', async () => {
  const { version } = JSON.parse(
    readFileSync(join(inject('nest11'), 'node_modules/@nestjs/core/package.json'), 'utf8'),
  );
  expect(version).toMatch(/^11\./);
  expect(await nodeTest(inject('nest11'), ['dist/test/grpc.test.js'])).toBe('5 passed');
});

it.each(nodes)('is loaded by a CommonJS app on %s', async (_, path) => {
  expect(readFileSync(join(example, 'dist/commonjs/main.cjs'), 'utf8')).toContain('require("@rollcall/transcoder")');
  const { code, output } = await run('node', ['dist/commonjs/main.cjs'], example, path);
  expect(output).toContain('200 {"sku":"tea","price":"450"}');
  expect(code).toBe(0);
});

it('is bundled into a file that runs alone', async () => {
  const alone = join(inject('scratch'), 'alone');
  mkdirSync(alone);
  for (const name of ['grpc', 'rest']) {
    const to = ['--file', join(alone, `${name}.test.mjs`), '--inlineDynamicImports'];
    const args = [`dist/test/${name}.test.js`, '--format', 'esm', '--platform', 'node', ...to, '--logLevel', 'silent'];
    await succeed(rolldown, args, example);
  }
  expect(readdirSync(alone)).toEqual(['grpc.test.mjs', 'rest.test.mjs']);
  expect(await nodeTest(alone, ['grpc.test.mjs', 'rest.test.mjs'])).toBe('9 passed');
});

it('reads no file of the libraries when they are imported', async () => {
  const script = join(example, 'reads.mjs');
  const names = "['contract', 'grpc', 'grpc-batching', 'transcoder', 'openapi']";
  writeFileSync(
    script,
    `import 'reflect-metadata';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const read = [];
for (const [owner, name] of [
  ...['readFileSync', 'readFile', 'openSync', 'open', 'createReadStream'].map((each) => [fs, each]),
  ...['readFile', 'open'].map((each) => [fs.promises, each]),
]) {
  const original = owner[name];
  owner[name] = function (path, ...rest) {
    read.push(String(path));
    return original.call(this, path, ...rest);
  };
}
syncBuiltinESMExports();
// Modules themselves are read through these as well.
const files = () => read.filter((path) => /@rollcall.*(?<!\\.js|\\.json)$/.test(path)).length;
for (const name of ${names}) await import('@rollcall/' + name);
const atImport = files();
(await import('@rollcall/openapi')).docsAssets();
console.log(JSON.stringify({ atImport, seen: files() > 0 }));
`,
  );
  // The page of the docs, which is read when it is asked for, shows that files would have been seen.
  expect(JSON.parse(await succeed('node', [script], example))).toEqual({ atImport: 0, seen: true });
});
