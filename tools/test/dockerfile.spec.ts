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

test('the images hold what npm puts beside a package of ours, where its version differs from that of the root', () => {
  const lock = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as { packages: Record<string, object> };
  const beside = Object.keys(lock.packages).filter((path) => /^(libs|apps)\/[^/]+\/node_modules\//.test(path));
  expect(beside).not.toEqual([]);
  const dockerfile = readFileSync(`${root}Dockerfile`, 'utf8');
  expect(dockerfile).toContain('cp -a --parents sbom.cdx.json $(find . -name node_modules -prune) /modules');
  expect(dockerfile).toContain('COPY --from=modules /modules /rollcall');
});
