import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import { VariantProcess } from '../measure/variant-process.ts';

/** A server of one variant, with a bare client of grpc-js: what is measured is the server. */
export interface TransportServer {
  readonly name: string;
  readonly process: VariantProcess;
  readonly client: Client;
}

/** Starts the servers in a folder. The stack ends them. */
export async function startTransports(
  folder: string,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
): Promise<TransportServer[]> {
  const servers: TransportServer[] = [];
  for (const name of ['raw', 'stock', 'rollcall']) {
    const socketPath = join(folder, `${name}.sock`);
    const entry = fileURLToPath(new URL(`./${name}.main.js`, import.meta.url));
    const process = stack.use(new VariantProcess([entry], { LISTEN: `unix://${socketPath}` }));
    while (!existsSync(socketPath)) {
      signal.throwIfAborted();
      process.cpuMicros(); // throws when it has ended
      await delay(20);
    }
    const client = new Client(`unix://${socketPath}`, credentials.createInsecure(), {
      'grpc-node.flow_control_window': 1 << 20,
    });
    stack.defer(() => client.close());
    servers.push({ name, process, client });
  }
  return servers;
}
