import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Starts the Chromium of this machine: what CHROMIUM names, or what is on the PATH. Nothing is downloaded. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    // In a container there is no sandbox, and /dev/shm is small.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}

function findChromium(): string {
  const given = process.env['CHROMIUM'];
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = given ? [given] : names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = paths.find(isExecutable);
  if (found === undefined)
    throw new Error(
      `these tests need Chromium (Debian: apt-get install chromium): ${given ? `CHROMIUM=${given} is no program` : 'none is on the PATH'}`,
    );
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
