import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { filter, firstValueFrom, take, toArray } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Rollcall, send, startRollcall } from '../test/rollcall.ts';

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

/** Generates stubs from protos, as any user would. */
function makeStubs(includes: string[], files: string[]): void {
  const options = [
    ...includes.map((include) => `-I${join(proto, include)}`),
    '-I/usr/include',
    `--python_out=${stubs}`,
    `--grpc_python_out=${stubs}`,
  ];
  execFileSync('protoc', ['--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin', ...options, ...files]);
}

/** Runs a client with them. @returns what it prints, line by line */
async function runClient(script: string, target = rollcall.target): Promise<unknown[]> {
  const { stdout } = await promisify(execFile)(python, [fileURLToPath(new URL(script, import.meta.url)), target], {
    env: { ...process.env, PYTHONPATH: stubs },
    timeout: 30_000,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

/** What says who may call, and all that it needs. */
const access = [
  'rollcall/user/v1/access.proto',
  'rollcall/user/v1/user.proto',
  'rollcall/type/v1/cursor.proto',
  'rollcall/type/v1/item_body.proto',
  'google/api/field_behavior.proto',
  'buf/validate/validate.proto',
];

it('the tutorial’s UserManager serves a client in Python that knows nothing else', async () => {
  makeStubs(['tutorial/user_manager', '', 'third_party'], ['user_manager.proto', ...access]);
  const seen = await runClient('./user_manager.py');
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

it.each([
  { place: 'user-service', at: () => rollcall.target },
  { place: 'the gateway', at: () => `unix:${rollcall.socketPath}` },
])('v1 serves a client in Python at $place, errors with details among it', async ({ at }) => {
  const imported = ['google/api/annotations.proto', 'google/api/http.proto', ...access];
  makeStubs(['', 'third_party'], ['rollcall/user/v1/user_service.proto', ...imported]);
  const seen = await runClient('./user_service_v1.py', at());
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

it('the tutorial’s chat serves two clients, one in Python, beside whoever sends over REST', async () => {
  makeStubs(['tutorial/chat_server', '', 'third_party'], ['chat_server.proto', ...access]);
  const path = '/v1/rooms/lobby/notes';
  await send(rollcall, 'POST', path, { message: 'hello from REST' });
  const other = rollcall.tutorialChat;
  const all = firstValueFrom(other.chatStream({}).pipe(take(3), toArray()));
  const seen = runClient('./chat_server.py', rollcall.chatTarget);
  await firstValueFrom(other.chatStream({}).pipe(filter(({ name }) => name === 'python')));
  await firstValueFrom(other.sendNote({ name: 'node', message: 'hello, Python' }));
  const notes = [
    ['local administrator', 'hello from REST'],
    ['python', 'hello from Python'],
    ['node', 'hello, Python'],
  ];
  expect(await seen).toEqual(notes);
  expect((await all).map(({ name, message }) => [name, message])).toEqual(notes);
});
