import { appendFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';

const folder = fileURLToPath(new URL('../.test/logs/', import.meta.url));
mkdirSync(folder, { recursive: true });
const file = `${folder}processes-${process.pid}.log`;

/** What is shown of it at the most, from its end. */
const shownLength = 100_000;
let written = '';

/** Keeps what a process of a test writes: in a file, where `npm test` looks for secrets, and until the test is over. */
export function keepLog(text: string): void {
  written = (written + text).slice(-shownLength);
  appendFileSync(file, text);
}

// A test that passes has nothing to tell but that.
afterEach(({ task }) => {
  if (task.result?.state === 'fail') process.stderr.write(written);
  written = '';
});
