// Starts every process on the embedded store, says when all of them serve, and ends them together.
import { spawn } from 'node:child_process';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { join } from 'node:path';
import { environment, nodePath, root } from './toolchain.mjs';

const apps = ['user-service', 'chat-service', 'gateway'];
/** Each has its own limit for that; two of them end one after the other. */
const killAfterMs = 2 * (Number(process.env.DRAIN_MS) || 10_000) + 5000;

const children = new Map();
/** Where each app listens, by its own word: what answers on a port may be somebody else. */
const listening = new Map();
let ending = false;
let exitCode = 0;

function start(app) {
  // A process group of its own: a terminal's Ctrl-C reaches this process alone, which ends the apps in order.
  const child = spawn(nodePath(), ['--enable-source-maps', join(root, 'apps', app, 'dist/main.js')], {
    cwd: root,
    env: environment,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  children.set(app, child);
  child.on('message', (message) => {
    listening.set(app, message.listening);
    if (app === 'user-service' && !ending) start('chat-service'); // which would say that it misses it
    if (listening.size === apps.length) void tellWhenReady();
  });
  child.on('exit', (code, signal) => {
    children.delete(app);
    if (!ending) {
      exitCode = 1;
      // One that could not start has said why.
      if (code !== 1 || listening.has(app)) console.error(`${app} ended (${signal ?? `exit code ${code}`})`);
    } else if (code !== 0 && exitCode === 0) {
      console.error(`${app} ended badly (${signal ?? `exit code ${code}`})`);
      exitCode = 1;
    }
    end();
    if (children.size === 0) process.exit(exitCode);
  });
}

start('user-service');
start('gateway');

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end);
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

/** Ends what is there: those who call before those whom they call, who would be missed. */
function end() {
  if (!ending) {
    setTimeout(() => {
      console.error(`${[...children.keys()].join(', ')} did not end within ${killAfterMs / 1000} s`);
      process.exit(1);
    }, killAfterMs).unref();
  }
  ending = true;
  for (const [app, child] of children)
    if (app !== 'user-service' || !children.has('chat-service')) child.kill('SIGTERM');
}

async function tellWhenReady() {
  const url = listening.get('gateway');
  while (!ending && !(await answers(url))) await new Promise((resolve) => setTimeout(resolve, 50));
  if (!ending) console.log(`ready ${url.replace(/^(https?:\/\/)(127\.0\.0\.1|\[::1\])/, '$1localhost')}`);
}

/** Whether the gateway reaches the services. It is our own child, which need not have a certificate for this address. */
function answers(url) {
  const [get, where] = url.startsWith('unix:')
    ? [process.env.TLS_CERT ? getSecure : getPlain, { socketPath: url.replace(/^unix:(\/\/)?/, '') }]
    : [url.startsWith('https:') ? getSecure : getPlain, new URL(url)];
  return new Promise((resolve) => {
    const options = { path: '/readyz', agent: false, rejectUnauthorized: false };
    const request = where instanceof URL ? get(new URL('/readyz', where), options) : get({ ...where, ...options });
    request
      .on('response', (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('error', () => resolve(false));
  });
}
