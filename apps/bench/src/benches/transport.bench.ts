import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codecsOf } from '@rollcall/contract';
import { testingContract } from '@rollcall/contract/testing';
import { alternate, type Sample } from '../measure/alternate.ts';
import type { Bench, Result, RunOptions } from '../measure/bench.ts';
import { startTransports, type TransportServer } from '../transport/servers.ts';
import { readFilePath, streamBooksPath } from '../transport/shelf.ts';

const inFlight = 50;
const rows = 20_000;
const perMessage = 1;

/** What the strategy of libs/grpc costs for a unary call. */
export const transportUnary: Bench = {
  name: 'transport-unary',
  summary: 'a unary call: grpc-js alone, Nest’s own transport, and libs/grpc, both with guard, validation and filter',
  run: (options) =>
    compare('transport-unary', ['cpuMicrosPerOp', 'opsPerSecond'], options, unarySlice, [
      'cpuMicrosPerOp is of the server process alone. The goal of libs/grpc is at most 1.15 times that of grpc-js.',
    ]),
};

/** What it costs for a stream of responses. */
export const transportStream: Bench = {
  name: 'transport-stream',
  summary: `a stream of ${rows} messages: a raw write pump, Nest’s own transport, and libs/grpc`,
  run: (options) =>
    compare('transport-stream', ['messagesPerSecond', 'cpuMicrosPerMessage'], options, streamSlice, [
      'The pump of `raw` calls write until it says no, then waits for drain. The goal of libs/grpc is at least 0.9 of its throughput.',
    ]),
};

async function compare(
  bench: string,
  metrics: readonly string[],
  options: RunOptions,
  slice: (server: TransportServer, durationMs: number) => Promise<Sample>,
  notes: readonly string[],
): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-transport-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  options.progress('starting the servers, and warming up');
  const servers = await startTransports(folder, options.signal, stack);
  for (let round = 0; round < (options.quick ? 1 : 6); round += 1)
    for (const server of servers) await slice(server, options.sliceMs);
  const variants = servers.map((server) => ({
    name: server.name,
    slice: (durationMs: number) => slice(server, durationMs),
  }));
  // The differences are small beside the noise of a machine: many short slices show them, where few long ones do not.
  const { rounds, sliceMs, quick } = options;
  const many = quick ? options : { ...options, rounds: (rounds - 1) * 5 + 1, sliceMs: sliceMs / 2 };
  const samples = await alternate(variants, many, (round) => options.progress(`round ${round} of ${many.rounds}`));
  return { bench, metrics, baselines: ['raw'], series: [{ inFlight, samples }], notes };
}

const identity = (bytes: Buffer): Buffer => bytes;

function encoded(path: string, request: object): Buffer {
  const codec = codecsOf(testingContract).get(path);
  if (codec === undefined) throw new Error(`no codec for ${path}`);
  return codec.encodeRequest(request);
}

async function unarySlice({ client, process }: TransportServer, durationMs: number): Promise<Sample> {
  const request = encoded(readFilePath, { path: 'shelves/1/books/2' });
  const start = performance.now();
  const cpuBefore = process.cpuMicros();
  let answers = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() - start < durationMs) {
      const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
        client.makeUnaryRequest(readFilePath, identity, identity, request, (error, bytes) =>
          error ? reject(error) : resolve(bytes),
        );
      });
      if (answer === undefined || !answer.equals(request)) throw new Error('a wrong answer');
      answers += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const elapsedMs = performance.now() - start;
  return { cpuMicrosPerOp: (process.cpuMicros() - cpuBefore) / answers, opsPerSecond: (answers * 1000) / elapsedMs };
}

async function streamSlice({ client, process }: TransportServer, durationMs: number): Promise<Sample> {
  const request = encoded(streamBooksPath, { count: rows, perMessage });
  const start = performance.now();
  const cpuBefore = process.cpuMicros();
  let messages = 0;
  do {
    const before = messages;
    const call = client.makeServerStreamRequest(streamBooksPath, identity, identity, request);
    for await (const _ of call) messages += 1;
    if (messages - before !== rows / perMessage) throw new Error(`${messages - before} messages came`);
  } while (performance.now() - start < durationMs);
  const elapsedMs = performance.now() - start;
  return {
    messagesPerSecond: (messages * 1000) / elapsedMs,
    cpuMicrosPerMessage: (process.cpuMicros() - cpuBefore) / messages,
  };
}
