import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Environment } from '@rollcall/environment';

/** 256 random bits behind what tells its kind. */
const form = /^rcv_[A-Za-z0-9_-]{43}$/;

/**
 * Reads where the token stands by which the services of a system call each other: `SERVICE_TOKEN_FILE`, by default
 * `service-token` in `DATA_DIR`.
 *
 * @returns an absolute path
 */
export function readServiceTokenFile(env: Environment): string {
  return resolve(env['SERVICE_TOKEN_FILE'] || join(env['DATA_DIR'] || '.data', 'service-token'));
}

/** The token of a file. @throws Error when there is none, or it is no token: the message has no word of what is in it */
export function readServiceToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new Error(`SERVICE_TOKEN_FILE: cannot read ${file}`, { cause });
  }
  if (!form.test(text)) throw new Error(`SERVICE_TOKEN_FILE: ${file} has no token of a service`);
  return text;
}

/** The token of a file, which is made if it is missing, for its owner alone. @throws Error when it cannot be */
export function makeServiceToken(file: string): string {
  const own = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(own, `rcv_${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
    linkSync(own, file); // whole or not at all, and never over another one
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'))
      throw new Error(`SERVICE_TOKEN_FILE: cannot make ${file}`, { cause });
  } finally {
    rmSync(own, { force: true });
  }
  return readServiceToken(file);
}
