import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../src/config.ts';
import { createGateway, listen } from '../src/gateway.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  readonly body: Buffer;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever JSON came
  readonly json: any;
}

/** Headers by name; a list where one is there more than once. */
export type Headers = Record<string, string | string[]>;

/** Sends a request, and reads the answer to its end, or to where it breaks off. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  headers: Headers = {},
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => undefined); // a stream that fails breaks off
      response.on('close', () => {
        const whole = Buffer.concat(chunks);
        const text = whole.toString();
        const isJson = /^application\/(problem\+)?json/.test(response.headers['content-type'] ?? '');
        const json = text !== '' && isJson && response.complete ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: whole, json });
      });
    })
      .on('error', reject)
      .end(body);
  });
}

/** Starts a gateway on a unix socket; user-service is wherever the environment says. */
export async function startGateway(env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  const socketPath = join(folder, 'rest.sock');
  const config = readConfig({
    USER_TARGET: `unix://${folder}/none.sock`,
    LOG_LEVEL: 'fatal',
    ...env,
    GATEWAY_LISTEN: `unix://${socketPath}`,
  });
  const app = await createGateway(config);
  await listen(app, config);
  return {
    socketPath,
    get: (path: string, headers: Headers = {}, method = 'GET'): Promise<Answer> =>
      ask(socketPath, method, path, headers),
    /** Sends JSON. */
    send: (method: string, path: string, json: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
      ask(socketPath, method, path, { 'content-type': 'application/json', ...headers }, JSON.stringify(json)),
    async [Symbol.asyncDispose]() {
      await app.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export type Gateway = Awaited<ReturnType<typeof startGateway>>;
