import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeDirectory } from '@rollcall/test-servers';
import { firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { connect, range, read, send } from './service.ts';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

async function spawnChat(folder: string) {
  const listen = `unix://${folder}/chat.sock`;
  const env = { CHAT_LISTEN: listen, DATA_DIR: folder, USER_TARGET: `unix://${folder}/none.sock`, LOG_LEVEL: 'info' };
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) if (line.includes('listening on')) break;
  child.stdout.resume();
  if (child.exitCode !== null) throw new Error(`it ended with exit code ${child.exitCode}`);
  const clients = connect(listen);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    return child.exitCode;
  };
  return {
    ...clients,
    end,
    async [Symbol.asyncDispose]() {
      clients.close();
      await end('SIGKILL');
    },
  };
}

/** Runs it to its end. */
async function run(env: Record<string, string>): Promise<{ code: number | null; stderr: string }> {
  const child: ChildProcess = spawn(process.execPath, [main], { env: { ...process.env, ...env } });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  return { code: child.exitCode, stderr };
}

test('has every note that it acknowledged once, without holes, after it was killed in the middle of sends', async () => {
  using folder = makeDirectory();
  const acknowledged = new Map<number, string>();
  for (const round of range(1, 3)) {
    await using service = await spawnChat(folder.path);
    let inRound = 0;
    const enough = Promise.withResolvers<void>();
    const writers = range(1, 64).map(async (writer) => {
      for (let index = 1; ; index += 1) {
        const { seq, message } = await send(service, { message: `${round}.${writer}.${index}` });
        acknowledged.set(Number(seq), message);
        inRound += 1;
        if (inRound === 500) enough.resolve();
      }
    });
    const ended = Promise.allSettled(writers);
    await enough.promise;
    await service.end('SIGKILL');
    expect((await ended).every(({ status }) => status === 'rejected')).toBe(true); // each was in the middle
  }
  await using service = await spawnChat(folder.path);
  const { rooms } = await firstValueFrom(service.chat.listRooms({ pageSize: 0, pageToken: '' }));
  const last = Number(rooms[0]?.lastSeq);
  expect(last).toBeGreaterThanOrEqual(acknowledged.size);
  using reader = read(service, { afterSeq: '0' });
  await reader.until(() => reader.seqs().length === last);
  expect(reader.seqs()).toEqual(range(1, last));
  const kept = new Map(reader.events.map(({ seq, note }) => [Number(seq), note?.message]));
  expect([...acknowledged].filter(([seq, message]) => kept.get(seq) !== message)).toEqual([]);
});

test('drains and exits with 0 on SIGTERM', async () => {
  using folder = makeDirectory();
  await using service = await spawnChat(folder.path);
  using reader = read(service);
  await reader.until((events) => events.length > 0);
  const [code, error] = await Promise.all([service.end('SIGTERM'), reader.error()]);
  expect(code).toBe(0);
  expect(error.message).toContain('shutting down');
});

test('does not start over a log that another process has open, and says so in one line', async () => {
  using folder = makeDirectory();
  await using service = await spawnChat(folder.path);
  const { code, stderr } = await run({ DATA_DIR: folder.path, CHAT_LISTEN: `unix://${folder.path}/other.sock` });
  expect(code).toBe(1);
  expect(stderr).toBe(
    `chat-service cannot start: cannot open ${folder.path}/chat.sqlite: another process has it open\n`,
  );
  expect((await send(service)).seq).toBe('1');
});

test.each([
  ['CHAT_LISTEN', '0.0.0.0:50052'],
  ['NOTES_KEPT_DAYS', '0'],
  ['NOTES_KEPT_PER_ROOM', 'many'],
  ['ROOMS_MAX', '-1'],
  ['ROOMS_PER_USER_AND_HOUR', '0'],
  ['TUTORIAL_USER_ID', 'foo'],
  ['DATA_DIR', '/dev/null/chat'],
])('does not start with a bad %s, and says so in one line', async (name, value) => {
  const { code, stderr } = await run({ DATA_DIR: '/dev/null/chat', [name]: value });
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^chat-service cannot start: ${name}: .+\n$`));
});

test.each(['SIGTERM', 'SIGINT'] as const)('ends at once on %s while it waits for NATS', async (signal) => {
  using folder = makeDirectory();
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, NATS_URL: 'nats://127.0.0.1:1', CHAT_LISTEN: `unix://${folder.path}/chat.sock` },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes('waiting for JetStream')) child.kill(signal);
  expect(await exited).toEqual([0, null]);
});
