// The health check of the container: exits with 0 when the gateway beside it lives.
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';

const listen = process.env['GATEWAY_LISTEN'] || '127.0.0.1:3000';
const colon = listen.lastIndexOf(':');
const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
const address = listen.startsWith('unix:')
  ? { socketPath: listen.replace(/^unix:(\/\/)?/, '') }
  : // An address that stands for all interfaces is listened on, not called.
    { host: /^(0\.0\.0\.0|::)$/.test(host) ? '127.0.0.1' : host, port: listen.slice(colon + 1) };
const get = process.env['TLS_CERT'] ? getSecure : getPlain;
// It asks its own container, which its certificate need not name, and tells it nothing.
get({ ...address, path: '/healthz', timeout: 2000, rejectUnauthorized: false }, ({ statusCode }) => {
  process.exit(statusCode === 200 ? 0 : 1);
})
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1)); // that it cannot be asked is all the container engine wants to know
