// Imports or exports from a thread of its own, so that what it takes does not delay the calls that are measured.
import { parentPort, workerData } from 'node:worker_threads';
import { importRows } from './import-stream.ts';
import { methodOf } from './people.ts';
import { clientOf } from './service.ts';

/** What runs beside the calls that are measured. The scans have a filter that lets nobody through. */
export type LoadKind = 'import' | 'export' | 'page' | 'total' | 'sort' | 'filtered export' | 'filtered watch';

/** Which load, and when it ends. */
export type Order = { readonly start: LoadKind } | 'stop' | 'close';

const { target, firstNumber } = workerData as { target: string; firstNumber: number };
const client = clientOf(target);
let number = firstNumber;
let goesOn = false;

const identity = (bytes: Buffer): Buffer => bytes;

/** As many comparisons as a filter may have, none of which an index helps with. */
const nobody = Array.from({ length: 100 }, (_, index) => `name:"zq${index}x"`).join(' OR ');

/** How many searches of one caller run at the same time. */
const searchesAtATime = 4;

/** Reads a stream of the service again and again. @returns how many messages came */
async function streamAgain(name: string, request: object): Promise<number> {
  const { path, codec } = methodOf(name);
  let messages = 0;
  while (goesOn) {
    const stream = client.makeServerStreamRequest(path, identity, identity, codec.encodeRequest(request));
    const stop = setInterval(() => goesOn || stream.cancel(), 10);
    try {
      for await (const _ of stream) {
        messages += 1;
        if (!goesOn) break;
      }
    } catch (error) {
      if (goesOn) throw error; // else it was cancelled above
    } finally {
      clearInterval(stop);
    }
  }
  return messages;
}

/** Asks the service again and again, some calls at a time. @returns how many were answered */
async function askAgain(name: string, request: object): Promise<number> {
  const { path, codec } = methodOf(name);
  const bytes = codec.encodeRequest(request);
  let answers = 0;
  const ask = async (): Promise<void> => {
    while (goesOn) {
      await new Promise<void>((resolve, reject) => {
        const call = client.makeUnaryRequest(path, identity, identity, bytes, (error) => {
          clearInterval(stop);
          if (error !== null && goesOn) reject(error);
          else resolve();
        });
        const stop = setInterval(() => goesOn || call.cancel(), 10);
      });
      answers += 1;
    }
  };
  await Promise.all(Array.from({ length: searchesAtATime }, ask));
  return answers;
}

function run(kind: LoadKind): Promise<number> {
  switch (kind) {
    case 'import':
      return importRows(
        client,
        50,
        () => (number += 1),
        () => goesOn,
      );
    case 'export':
      return streamAgain('ExportUsers', {}).then((messages) => messages * 50);
    case 'page':
      return askAgain('ListUsers', { filter: nobody });
    case 'total':
      return askAgain('ListUsers', { filter: nobody, showTotal: true, pageSize: 1 });
    case 'sort':
      return askAgain('ListUsers', { filter: 'email = "*zq"', orderBy: 'type, name', showDeleted: true });
    case 'filtered export':
      return streamAgain('ExportUsers', { filter: nobody });
    case 'filtered watch':
      return streamAgain('WatchUsers', { filter: nobody, snapshot: true });
  }
}

parentPort?.on('message', (order: Order) => {
  if (order === 'close') {
    client.close();
    parentPort?.close();
  } else if (order === 'stop') goesOn = false;
  else {
    goesOn = true;
    run(order.start).then(
      (rows) => parentPort?.postMessage(rows),
      (error: unknown) => parentPort?.postMessage(String(error)),
    );
  }
});
