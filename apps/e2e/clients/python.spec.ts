import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Rollcall, startRollcall } from '../test/rollcall.ts';

const proto = fileURLToPath(new URL('../../../proto', import.meta.url));
// Debian's Python, which has Debian's grpcio.
const python = '/usr/bin/python3';

let rollcall: Rollcall;
let stubs: string;
beforeAll(async () => {
  rollcall = await startRollcall();
  stubs = mkdtempSync(join(tmpdir(), 'stubs-'));
}, 30_000);
afterAll(async () => {
  await rollcall[Symbol.asyncDispose]();
  rmSync(stubs, { recursive: true });
});

/** Generates stubs from protos, as any user would, and runs a client with them. */
function runClient(script: string, includes: string[], files: string[]): unknown[] {
  const options = [
    ...includes.map((include) => `-I${join(proto, include)}`),
    '-I/usr/include',
    `--python_out=${stubs}`,
    `--grpc_python_out=${stubs}`,
  ];
  execFileSync('protoc', ['--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin', ...options, ...files]);
  const output = execFileSync(python, [fileURLToPath(new URL(script, import.meta.url)), rollcall.target], {
    env: { ...process.env, PYTHONPATH: stubs },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

/** What says who may call, and all that it needs. */
const access = [
  'rollcall/user/v1/access.proto',
  'rollcall/user/v1/user.proto',
  'rollcall/type/v1/cursor.proto',
  'google/api/field_behavior.proto',
  'buf/validate/validate.proto',
];

it('the tutorial’s UserManager serves a client in Python that knows nothing else', () => {
  const seen = runClient(
    './user_manager.py',
    ['tutorial/user_manager', '', 'third_party'],
    ['user_manager.proto', ...access],
  );
  expect(seen).toEqual([
    ...Array.from({ length: 6 }, () => ({ added: [false, true] })),
    { again: [true, 'already exist'] },
    { found: [false, 'Zaru', 'zaru@example.com'] },
    { missing: [true, 'not found'] },
    { count: 3 },
    { by_type: ['foo', 'Zaru', 'Saru'] },
    { by_ids: ['Saru', 'admin'] },
  ]);
});

it('v1 serves a client in Python, errors with details among it', () => {
  const imported = ['google/api/annotations.proto', 'google/api/http.proto', ...access];
  const seen = runClient(
    './user_service_v1.py',
    ['', 'third_party'],
    ['rollcall/user/v1/user_service.proto', ...imported],
  );
  expect(seen).toEqual([
    { name: 'admin' },
    {
      found: [
        [1, true],
        [99, false],
      ],
    },
    { error: ['INVALID_ARGUMENT', expect.stringContaining('user.age'), true] },
  ]);
});
