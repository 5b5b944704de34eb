import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('the images know every package of the workspace, so that npm installs by its lockfile', () => {
  const folders = ['libs', 'apps'].flatMap((folder) => readdirSync(root + folder).map((name) => `${folder}/${name}`));
  const projects = [...folders.filter((folder) => existsSync(`${root}${folder}/package.json`)), 'tools'];
  const copied = [...readFileSync(`${root}Dockerfile`, 'utf8').matchAll(/^COPY (\S+)\/package\.json \1\/$/gm)];
  expect(copied.map(([, project]) => project).toSorted()).toEqual(projects.toSorted());
});
