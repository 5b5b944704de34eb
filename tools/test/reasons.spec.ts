import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The libraries take any text for a reason, so that no compiler looks at it. */
const raised = /\bStatus\.[A-Z_]+,\s*'([A-Z][A-Z_]*)'/g;

it('finds every reason that is raised in the contract', () => {
  const contract = readFileSync(`${root}/proto/rollcall/type/v1/error_reason.proto`, 'utf8');
  const known = new Set([...contract.matchAll(/^ *ERROR_REASON_(\w+) = \d+/gm)].map(([, name]) => name));
  const reasons = globSync('{apps,libs}/*/src/**/*.ts', { cwd: root }).flatMap((file) =>
    [...readFileSync(`${root}/${file}`, 'utf8').matchAll(raised)].map(([, reason]) => ({ file, reason })),
  );
  expect(reasons.length).toBeGreaterThan(100);
  expect(reasons.filter(({ reason }) => !known.has(reason))).toEqual([]);
});
