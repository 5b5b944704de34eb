import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type InteropServer, startInteropServer } from './interop/interop-server.ts';

const run = promisify(execFile);
// Debian's Ruby, which has Debian's grpc.
const ruby = '/usr/bin/ruby';

const cases = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'unimplemented_method',
  'unimplemented_service',
  'status_code_and_message',
  'custom_metadata', // trailers from a unary handler among it
];

/** They need an account of Google's, or a server that is told whether a message came compressed, which grpc-js does not tell. */
const elsewhere = [
  'service_account_creds',
  'jwt_token_creds',
  'compute_engine_creds',
  'oauth2_auth_token',
  'per_rpc_creds',
  'client_compressed_unary',
  'client_compressed_streaming',
];

let client: string;
let server: InteropServer;
beforeAll(async () => {
  const { stdout: files } = await run('dpkg', ['-L', 'ruby-grpc']);
  client = files.split('\n').find((file) => file.endsWith('/src/ruby/pb/test/client.rb')) ?? '';
  server = await startInteropServer();
}, 30_000);
afterAll(() => server.close());

it('the interop client in Ruby has no other case that this server could pass', async () => {
  const { stdout: help } = await run(ruby, [client, '--help']);
  const listed = /select a test_case\s+\((?<names>[^)]+)\)/.exec(help)?.groups?.['names']?.split(',') ?? [];
  expect(listed.toSorted()).toEqual([...cases, ...elsewhere, 'all'].toSorted());
});

it.each(cases)('the interop client in Ruby passes %s', async (name) => {
  const target = ['--server_host=127.0.0.1', `--server_port=${server.port}`, '--use_tls=false'];
  const { stdout } = await run(ruby, [client, ...target, `--test_case=${name}`], { timeout: 15_000 });
  expect(stdout).toContain(`"OK: ${name}"`);
});

it('the calls of the interop client, those that it cancelled among them, have all ended', async () => {
  expect(server.calls.begun).toBeGreaterThanOrEqual(cases.length - 2); // one never leaves the client, one has no handler
  await expect.poll(() => server.calls.ended).toBe(server.calls.begun);
});
