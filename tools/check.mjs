// npm run check: everything that must hold before a change is shared. `-- --skip STEP` leaves a step out.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalled, root, run } from './toolchain.mjs';

await ensureInstalled();

/** Compares the contract with the last commit on main; on main itself, without changes, with the one before. */
async function breaking() {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'proto', 'buf.yaml') !== '';
  const main = ['main', 'origin/main', 'HEAD'].find((ref) => {
    try {
      return git('rev-parse', '--verify', '--quiet', `${ref}^{commit}`) !== '';
    } catch {
      return false; // no such ref in this clone
    }
  });
  const same = git('rev-parse', main) === git('rev-parse', 'HEAD');
  const base = same && !changed ? git('rev-list', '--max-count=1', '--skip=1', 'HEAD') || 'HEAD' : main;
  const before = mkdtempSync(join(tmpdir(), 'contract-'));
  try {
    execFileSync('tar', ['-x', '-C', before], {
      input: execFileSync('git', ['archive', base, 'proto', 'buf.yaml'], { cwd: root, maxBuffer: 2 ** 26 }),
    });
    return await run('buf', ['breaking', '--against', before]);
  } finally {
    rmSync(before, { recursive: true });
  }
}

/** A tutorial's contract has a configuration of its own. */
function tutorial(name) {
  return ['--config', `proto/tutorial/${name}.buf.yaml`, '--path', `proto/tutorial/${name}/${name}.proto`];
}

const steps = {
  generate: () => run('nx', ['run', '@rollcall/proto:generate', '--output-style=stream']),
  format: () => run('npm', ['run', '--silent', 'format:check']),
  build: () => run('tsc', ['-b']),
  'types of tests': () => run('tsc', ['-p', 'tsconfig.tests.json']),
  'types of the page': async () =>
    Math.max(await run('tsc', ['-p', 'apps/web']), await run('tsc', ['-p', 'apps/e2e/test/page'])),
  lint: () => run('npm', ['run', '--silent', 'lint']),
  'buf lint': async () =>
    Math.max(
      await run('buf', ['lint']),
      ...(await Promise.all(
        ['user_manager', 'user_service', 'chat_server'].map((name) => run('buf', ['lint', ...tutorial(name)])),
      )),
    ),
  'buf breaking': breaking,
  test: () => run(process.execPath, ['tools/test.mjs']),
};

const skipped = process.argv.slice(2).filter((word) => word !== '--skip');
const unknown = skipped.find((name) => !(name in steps));
if (unknown !== undefined) throw new Error(`no step is called "${unknown}"`);

for (const [name, step] of Object.entries(steps)) {
  if (skipped.includes(name)) continue;
  console.log(`── ${name}`);
  if ((await step()) !== 0) {
    console.error(`check failed: ${name}`);
    process.exit(1);
  }
}
