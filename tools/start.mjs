// npm start: builds, starts every process on the embedded store, and says when all of them serve.
import { spawn } from 'node:child_process';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { join } from 'node:path';
import { build, ensureInstalled, environment, nodePath, root } from './toolchain.mjs';

const apps = ['user-service', 'chat-service', 'gateway'];
const killAfterMs = 15_000;

await ensureInstalled();
await build();

const children = new Map();
let ending = false;
let exitCode = 0;

for (const app of apps) {
  // A process group of its own: a terminal's Ctrl-C reaches this process alone, which ends the apps in order.
  const child = spawn(nodePath(), ['--enable-source-maps', join(root, 'apps', app, 'dist/main.js')], {
    cwd: root,
    env: environment,
    stdio: 'inherit',
    detached: true,
  });
  children.set(app, child);
  child.on('exit', (code, signal) => {
    children.delete(app);
    if (!ending) console.error(`${app} ended (${signal ?? `exit code ${code}`})`);
    if (code !== 0) exitCode = 1;
    if (!ending && code === 0) exitCode = 1;
    end();
    if (children.size === 0) process.exit(exitCode);
  });
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end);
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

function end() {
  if (ending) return;
  ending = true;
  children.forEach((child) => child.kill('SIGTERM'));
  setTimeout(() => {
    console.error(`${[...children.keys()].join(', ')} did not end within ${killAfterMs / 1000} s`);
    process.exit(1);
  }, killAfterMs).unref();
}

const listen = process.env.GATEWAY_LISTEN ?? '127.0.0.1:3000';
const [scheme, get] = process.env.TLS_CERT ? ['https', getSecure] : ['http', getPlain];
const address = listen.startsWith('unix://')
  ? { socketPath: listen.slice('unix://'.length) }
  : {
      host: listen.slice(0, listen.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
      port: listen.slice(listen.lastIndexOf(':') + 1),
    };

function ready() {
  return new Promise((resolve) => {
    // It asks its own child, which need not have a certificate for this address.
    get({ ...address, path: '/readyz', agent: false, rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}

while (!ending && !(await ready())) await new Promise((resolve) => setTimeout(resolve, 50));
if (!ending)
  console.log(
    `ready ${listen.startsWith('unix://') ? listen : `${scheme}://${listen.replace(/^127\.0\.0\.1:/, 'localhost:')}`}`,
  );
