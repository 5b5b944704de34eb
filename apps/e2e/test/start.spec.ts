import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { makeDirectory } from '@rollcall/test-servers';
import { expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 180_000 }); // for a busy machine: each test starts three processes

const apps = fileURLToPath(new URL('../../../tools/apps.mjs', import.meta.url));

/** What `npm start` does once all is built: with its sockets and files in a folder. */
function start(folder: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [apps], {
    env: {
      ...process.env,
      GATEWAY_LISTEN: `unix://${folder}/gateway.sock`,
      USER_LISTEN: `unix://${folder}/user.sock`,
      CHAT_LISTEN: `unix://${folder}/chat.sock`,
      DATA_DIR: folder,
      LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const seen = new Map<RegExp, () => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const [pattern, resolve] of seen) if (pattern.test(output)) resolve();
    });
  const closed = once(child, 'close').then(([code]) => code as number | null);
  return {
    /** The lines so far; the messages of those that are JSON. */
    lines: () =>
      output
        .trim()
        .split('\n')
        .map((line) => (line.startsWith('{') ? (JSON.parse(line) as { message: string }).message : line)),
    until: (pattern: RegExp) =>
      Promise.race([
        new Promise<void>((resolve) => seen.set(pattern, resolve)),
        closed.then((code) => Promise.reject(new Error(`it ended with ${code}: ${output}`))),
      ]),
    closed,
    end: (signal: NodeJS.Signals) => {
      child.kill(signal);
      return closed;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.kill('SIGTERM');
      await closed;
    },
  };
}

test('says once how one signs in and that all serve, and ends without a word', async () => {
  using folder = makeDirectory();
  await using started = start(folder.path);
  await started.until(/^ready /m);
  const before = started.lines();
  expect(before).toEqual([
    'protected mode: whoever is on this machine is the administrator. See OIDC_ISSUER and LOCAL_SIGN_IN.',
    `ready unix://${folder.path}/gateway.sock`,
  ]);
  expect(await started.end('SIGTERM')).toBe(0);
  expect(started.lines()).toEqual(before);
});

test('names the stores, and variables that are not read but nearly one that is', async () => {
  using folder = makeDirectory();
  const env = { LOG_LEVEL: 'info', DATABASE_URI: 'postgresql://secret@nowhere/', PORT: '80' };
  await using started = start(folder.path, env);
  await started.until(/^ready /m);
  const lines = started.lines();
  expect(lines).toContain(`the directory is in ${folder.path}/users.sqlite`);
  expect(lines).toContain(`the rooms are in ${folder.path}/chat.sqlite`);
  expect(lines.filter((line) => line.includes('DATABASE_URI'))).toEqual([
    'DATABASE_URI is not read: is DATABASE_URL meant?',
  ]);
  expect(lines.filter((line) => line.includes('PORT'))).toEqual([
    'PORT is not read: GATEWAY_LISTEN says where to listen',
  ]);
  expect(lines.filter((line) => /head of the audit log|secret/.test(line))).toEqual([]);
});

test.each([
  ['gateway', 'GATEWAY_LISTEN'],
  ['user-service', 'USER_LISTEN'],
  ['chat-service', 'CHAT_LISTEN'],
])(
  'does not take a server of somebody else for the %s, and says alone which variable leads there',
  async (app, name) => {
    using folder = makeDirectory();
    const path = `${folder.path}/taken.sock`;
    await using foreign = createServer((_, response) => response.end('ok')).listen(path);
    await once(foreign, 'listening');
    await using started = start(folder.path, { LOG_LEVEL: 'error', [name]: `unix://${path}` });
    expect(await started.closed).toBe(1);
    expect(started.lines()).toEqual([`${app} cannot start: ${name}: another process listens on unix://${path}`]);
  },
);
