// Imports or exports from a thread of its own, so that what it takes does not delay the calls that are measured.
import { parentPort, workerData } from 'node:worker_threads';
import type { Client } from '@grpc/grpc-js';
import { importRows } from './import-stream.ts';
import { methodOf } from './people.ts';
import { clientOf } from './service.ts';

/** Which load, and when it ends. */
export type Order = { readonly start: 'import' | 'export' } | 'stop' | 'close';

const { target, firstNumber } = workerData as { target: string; firstNumber: number };
const client = clientOf(target);
let number = firstNumber;
let goesOn = false;

const { path, codec } = methodOf('ExportUsers');
const identity = (bytes: Buffer): Buffer => bytes;

async function exportAgain(from: Client): Promise<number> {
  let messages = 0;
  while (goesOn) {
    const request = codec.encodeRequest({ types: [], afterId: '0', filter: '' });
    for await (const _ of from.makeServerStreamRequest(path, identity, identity, request)) {
      messages += 1;
      if (!goesOn) break;
    }
  }
  return messages * 50;
}

parentPort?.on('message', (order: Order) => {
  if (order === 'close') {
    client.close();
    parentPort?.close();
  } else if (order === 'stop') goesOn = false;
  else {
    goesOn = true;
    const work =
      order.start === 'import'
        ? importRows(
            client,
            50,
            () => (number += 1),
            () => goesOn,
          )
        : exportAgain(client);
    work.then(
      (rows) => parentPort?.postMessage(rows),
      (error: unknown) => parentPort?.postMessage(String(error)),
    );
  }
});
