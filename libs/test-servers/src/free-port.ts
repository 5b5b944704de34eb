import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port below those that the system gives to connections, so that none takes it while the server is away. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
    if (!(await promise)) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
