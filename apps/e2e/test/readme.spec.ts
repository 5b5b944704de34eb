import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeDirectory } from '@rollcall/test-servers';
import { expect, test, vi } from 'vitest';
import { keepLog } from './process-logs.ts';

vi.setConfig({ testTimeout: 180_000 }); // for a busy machine: it runs two dozen commands

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A command of a page, and what it says that the answer is. */
interface Example {
  readonly command: string;
  readonly answer: string | undefined;
}

/** The examples of a chapter, in their order. */
function examplesOf(page: string, chapter: string): Example[] {
  const text =
    readFileSync(root + page, 'utf8')
      .split(/^## /m)
      .find((part) => part.startsWith(chapter)) ?? '';
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, kind, content = '']) => ({
    kind,
    content,
  }));
  return blocks.flatMap(({ kind, content }, index) => {
    const next = blocks[index + 1];
    return kind === 'sh' ? [{ command: content, answer: next?.kind === 'sh' ? undefined : next?.content }] : [];
  });
}

/** What `npm start` does once all is built, on a port that is free. @returns where it listens */
async function start(folder: string) {
  const child = spawn(process.execPath, [`${root}tools/apps.mjs`], {
    env: {
      ...process.env,
      GATEWAY_LISTEN: '127.0.0.1:0',
      USER_LISTEN: `unix://${folder}/user.sock`,
      CHAT_LISTEN: `unix://${folder}/chat.sock`,
      DATA_DIR: folder,
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.setEncoding('utf8').on('data', keepLog);
  let host: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    keepLog(`${line}\n`);
    host = /^ready http:\/\/(.+)$/.exec(line)?.[1];
    if (host !== undefined) break;
  }
  if (host === undefined) throw new Error('it did not start');
  child.stdout.resume();
  return {
    host,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Runs a command in a shell; one that reads an endless stream is ended. @returns what it wrote */
function run(command: string, cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // curl says 28 when its time is over.
    const limited = command.replace(/\bcurl -N /g, 'curl -N --max-time 2 ').replace(/\bcurl /g, 'curl -sS ');
    execFile('bash', ['-c', limited], { cwd }, (error, stdout, stderr) => {
      if (error !== null && error.code !== 28) reject(new Error(`${command}: ${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

const volatile = /Time$|^(etag|requestId|nextPageToken|resumeToken)$/;

/** JSON without what is new each time. */
function steady(text: string): unknown {
  return JSON.parse(text, (key, value: unknown) => (volatile.test(key) ? `some ${key}` : value));
}

/** A document, or a document a line. */
function documents(text: string): unknown[] {
  try {
    return [steady(text)];
  } catch {
    return text.trim().split('\n').map(steady);
  }
}

/** How an event stream begins: the names of its fields. */
function firstLines(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line) => /^(retry|id|event|data)(?=: )/.exec(line)?.[0] ?? [])
    .slice(0, 3);
}

test.each([
  ['README.md', 3],
  ['docs/frontend-developers.md', 12],
])('%s shows what its commands answer, in their order', async (page, atLeast) => {
  const examples = examplesOf(page, 'Use it over REST');
  expect(examples.length).toBeGreaterThanOrEqual(atLeast);
  using folder = makeDirectory();
  await using started = await start(folder.path);
  for (const { command, answer } of examples) {
    const output = await run(command.replaceAll('localhost:3000', started.host), folder.path);
    if (answer === undefined) continue; // it is enough that it runs
    const read = answer.startsWith('retry:') ? firstLines : documents;
    expect(read(output), command).toEqual(read(answer));
  }
});
