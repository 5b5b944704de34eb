import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Row } from '../src/measure/rows.ts';
import { psMicros } from '../src/measure/variant-process.ts';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command to its end, and until every process that it started has ended: they hold its standard error. */
async function bench(words: string[], onProgress?: (progress: string, child: ChildProcess) => void): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...words], { env: { ...process.env, TMPDIR: folder } });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    onProgress?.(err, child);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

test('measures validation, prints a table, and writes rows', async () => {
  const file = join(folder, 'rows.json');
  const { code, out, err } = await bench(['validate', '--quick', '--json', file]);
  expect(code).toBe(0);
  expect(err).toContain('validate: round 1 of 2');
  expect(out).toMatch(/^ {2}× ajv$/m);
  const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
  expect(rows).toHaveLength(6);
  expect(rows[0]).toEqual({
    bench: 'validate',
    variant: 'rollcall',
    inFlight: 1,
    metric: 'microsPerOp',
    median: expect.any(Number),
    iqr: expect.any(Number),
  });
  expect(rows.every(({ median }) => median > 0)).toBe(true);
});

test('measures the gateways over real processes, and leaves nothing behind', async () => {
  const { code, out } = await bench(['gateway-create', '--quick']);
  expect(code).toBe(0);
  for (const variant of ['monolith', 'by-the-book', 'plain', 'rollcall'])
    expect(out).toMatch(new RegExp(`^  ${variant} +\\d`, 'm'));
  expect(readdirSync(folder)).toEqual([]);
});

test('ends every process and removes its files when it is interrupted', async () => {
  const { code, err } = await bench(['gateway-get'], (progress, child) => {
    if (progress.endsWith('warming up\n')) child.kill('SIGINT');
  });
  expect(code).toBe(130);
  expect(err).toContain('bench: interrupted');
  expect(readdirSync(folder)).toEqual([]);
});

test('fails, and says which benches there are, when it is asked for another', async () => {
  const { code, err } = await bench(['gatewy']);
  expect(code).toBe(1);
  expect(err).toContain('bench: there is no bench "gatewy"; there are gateway-get, ');
});

test.each([
  ['0:01.23', 1_230_000],
  ['01:02:03', 3_723_000_000],
  ['1-00:00:01', 86_401_000_000],
])('reads %s of ps', (time, micros) => {
  expect(psMicros(time)).toBe(micros);
});
