import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@grpc/grpc-js';
import type { userService } from '@rollcall/proto';
import { alternate, type Sample, type Variant } from '../measure/alternate.ts';
import type { Place } from '../directory/engines.ts';
import { engineBenches, type Ground } from '../directory/engine-bench.ts';
import { fill } from '../directory/fill.ts';
import { methodOf } from '../directory/people.ts';
import { DirectoryService, migrate } from '../directory/service.ts';
import { VariantProcess } from '../measure/variant-process.ts';

/** How many bytes a user takes at the least. */
const leastBytes = 90;

/** What an export costs beside a cursor of the engine itself. */
export const exportBenches = engineBenches(
  'export',
  'export of all users: a bare cursor loop that writes to a unix socket, and gRPC',
  async (ground) => {
    const { makePlace, folder, stack, options } = ground;
    const count = options.quick ? 2000 : 30_000;
    options.progress(`filling a directory with ${count} users`);
    const place = await makePlace('export');
    await migrate(place, join(folder, 'migrate-socket'), options.signal);
    await fill(place, count, options.signal);
    const service = stack.use(await DirectoryService.start(place, join(folder, 'socket'), options.signal));
    const cursor = await startCursor(ground, place);
    const variants: Variant[] = [
      { name: 'cursor', slice: (durationMs) => measured(durationMs, count, () => readSocket(cursor)) },
      { name: 'gRPC', slice: (durationMs) => measured(durationMs, count, () => readExport(service.client)) },
    ];
    options.progress('warming up');
    for (let round = 0; round < (options.quick ? 1 : 4); round += 1)
      for (const variant of variants) await variant.slice(options.sliceMs);
    const samples = await alternate(variants, options, (round) =>
      options.progress(`round ${round} of ${options.rounds}`),
    );
    const notes = [
      `${count} users, 50 in a message. Both readers are in the process of the bench and look at no message; the messages are the same but for the watch token. The goal is at least 0.8 of the cursor.`,
    ];
    return { metrics: ['rowsPerSecond'], baselines: ['cursor'], series: [{ inFlight: 1, samples }], notes };
  },
);

async function startCursor({ folder, stack, options }: Ground, place: Place): Promise<string> {
  const socketPath = join(folder, 'cursor.sock');
  const entry = fileURLToPath(new URL('../directory/cursor.main.js', import.meta.url));
  const source: Record<string, string> =
    place.engine === 'sqlite' ? { SQLITE_FILE: place.file } : { DATABASE_URL: place.url };
  const process = stack.use(new VariantProcess([entry], { ...source, LISTEN: socketPath }));
  while (!existsSync(socketPath)) {
    options.signal.throwIfAborted();
    process.cpuMicros(); // throws when it has ended
    await delay(20);
  }
  return socketPath;
}

/** Reads messages, each behind its length. @returns how many bytes they have */
async function readSocket(socketPath: string): Promise<number> {
  const socket = createConnection(socketPath);
  let bytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (; rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0);) {
      const length = rest.readUInt32BE(0);
      bytes += length;
      rest = rest.subarray(4 + length);
    }
  });
  await once(socket, 'end');
  return bytes;
}

const { path, codec } = methodOf('ExportUsers');
const identity = (bytes: Buffer): Buffer => bytes;

async function readExport(client: Client): Promise<number> {
  const request: userService.ExportUsersRequest = { types: [], afterId: '0', filter: '' };
  let bytes = 0;
  const call = client.makeServerStreamRequest(path, identity, identity, codec.encodeRequest(request));
  for await (const message of call as AsyncIterable<Buffer>) bytes += message.length;
  return bytes;
}

async function measured(durationMs: number, count: number, read: () => Promise<number>): Promise<Sample> {
  const start = performance.now();
  let rows = 0;
  do {
    const bytes = await read();
    if (bytes < count * leastBytes) throw new Error(`an export of ${count} users has ${bytes} bytes`);
    rows += count;
  } while (performance.now() - start < durationMs);
  return { rowsPerSecond: (rows * 1000) / (performance.now() - start) };
}
