import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, inject, it } from 'vitest';
import { libraries, root } from './libraries.ts';
import { succeed } from './run.ts';

/** The blocks of a README in one language. */
function blocks(library: string, language: string): string[] {
  const text = readFileSync(join(root, 'libs', library, 'README.md'), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code]) => code ?? '');
}

beforeAll(async () => {
  for (const library of libraries)
    writeFileSync(join(inject('example'), `src/readme-${library}.ts`), blocks(library, 'ts').join('\n'));
  await succeed('npx', ['tsc'], inject('example'));
});

it.each(libraries)('the lines of the README of %s do what it says', async (library) => {
  expect(blocks(library, 'ts')).toHaveLength(1);
  const [expected = ''] = blocks(library, 'text');
  expect(await succeed('node', [`dist/src/readme-${library}.js`], inject('example'))).toBe(expected);
});
