import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { GrpcChannel } from '@rollcall/grpc';
import { type chat, rollcallContract } from '@rollcall/proto';
import { appCommand } from '@rollcall/test-servers';
import { firstValueFrom } from 'rxjs';
import { alternate, type Sample, type Variant } from '../measure/alternate.ts';
import type { Bench, Result, RunOptions } from '../measure/bench.ts';
import { Readers } from '../chat/readers.ts';
import { messageOfNow } from '../chat/sent-at.ts';
import { quantile } from '../measure/statistics.ts';
import { temporaryFolder } from '../measure/temporary-folder.ts';
import { VariantProcess } from '../measure/variant-process.ts';

const notesPerSecond = 50;

/** How long each variant works in a round, two minutes over all rounds: it paces itself, so that short slices show little. */
const fullSliceMs = 12_000;

const metrics = ['deliveriesPerCoreSecond', 'p50Millis', 'p99Millis'] as const;

/** Notes of one room to all who read it. */
export const chatFanout: Bench = {
  name: 'chat-fanout',
  summary: `${notesPerSecond} notes a second to 1,000 readers over gRPC and 200 over server-sent events: grpc-js alone, and Rollcall`,
  run: compareFanOut,
};

async function compareFanOut(options: RunOptions): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const folder = temporaryFolder(stack);
  const { quick, signal } = options;
  const [grpc, sse] = quick ? [100, 20] : [1000, 200];
  options.progress('starting the servers, and opening the streams');
  const rawSocket = join(folder, 'raw.sock');
  const chatSocket = join(folder, 'chat.sock');
  const restSocket = join(folder, 'rest.sock');
  const env = {
    LOG_LEVEL: 'warn',
    DATA_DIR: join(folder, 'data'),
    USER_LISTEN: `unix://${join(folder, 'users.sock')}`,
    CHAT_LISTEN: `unix://${chatSocket}`,
    GATEWAY_LISTEN: `unix://${restSocket}`,
    CALLER_STREAMS: '10000',
  };
  const raw = stack.use(
    new VariantProcess([fileURLToPath(new URL('../chat/raw.main.js', import.meta.url))], {
      LISTEN: `unix://${rawSocket}`,
    }),
  );
  stack.use(new VariantProcess(appCommand('user-service'), env));
  const service = stack.use(new VariantProcess(appCommand('chat-service'), env));
  const gateway = stack.use(new VariantProcess(appCommand('gateway'), env));
  await gateway.answers(restSocket, '/readyz', signal);
  while (!existsSync(rawSocket)) {
    signal.throwIfAborted();
    await delay(20);
  }
  const open = async (room: string, ...of: readonly (readonly ['grpc' | 'sse', string, number])[]) =>
    Promise.all(
      of.map(async ([kind, socketPath, count]) => stack.use(await Readers.open({ kind, socketPath, room, count }))),
    );
  const variants = [
    new FanOut('raw', rawSocket, [raw], await open('raw', ['grpc', rawSocket, grpc])),
    new FanOut('grpc', chatSocket, [service], await open('grpc', ['grpc', chatSocket, grpc])),
    new FanOut('sse', chatSocket, [service, gateway], await open('sse', ['sse', restSocket, sse])),
    new FanOut(
      'grpc + sse',
      chatSocket,
      [service, gateway],
      await open('all', ['grpc', chatSocket, grpc], ['sse', restSocket, sse]),
    ),
  ];
  for (const variant of variants) stack.defer(() => variant.close());
  const schedule = quick ? options : { ...options, sliceMs: fullSliceMs };
  const samples = await alternate(variants, schedule, (round) =>
    options.progress(`round ${round} of ${options.rounds}`),
  );
  return {
    bench: 'chat-fanout',
    metrics,
    baselines: ['raw'],
    series: [{ inFlight: grpc + sse, samples }],
    notes: [
      `raw and grpc have ${grpc} readers, sse has ${sse}, grpc + sse has both in one room. Every reader had every note once and in order.`,
      'deliveriesPerCoreSecond is of the processor time of chat-service, and of the gateway where there are readers over it.',
      'The times go from before the note is sent to its reader, readers and servers on one machine.',
    ],
  };
}

/** A room with its readers. */
class FanOut implements Variant {
  readonly name: string;
  readonly #processes: readonly VariantProcess[];
  readonly #readers: readonly Readers[];
  readonly #channel: GrpcChannel;
  readonly #chat: chat.ChatServiceClient;
  readonly #room: string;

  constructor(name: string, socketPath: string, processes: readonly VariantProcess[], readers: readonly Readers[]) {
    this.name = name;
    this.#processes = processes;
    this.#readers = readers;
    this.#room = name === 'grpc + sse' ? 'all' : name;
    this.#channel = new GrpcChannel(`unix://${socketPath}`);
    this.#chat = this.#channel.client<chat.ChatServiceClient>(rollcallContract, 'rollcall.chat.v1.ChatService');
  }

  close(): void {
    this.#channel.close();
  }

  async slice(durationMs: number): Promise<Sample> {
    const cpuBefore = this.#cpuMicros();
    const startedAt = performance.now();
    const sends: Promise<number>[] = [];
    for (let next = startedAt; next < startedAt + durationMs; next += 1000 / notesPerSecond) {
      await delay(Math.max(0, next - performance.now()));
      sends.push(this.#send());
    }
    const last = Math.max(...(await Promise.all(sends)));
    const heard = await Promise.all(this.#readers.map((readers) => readers.heardUpTo(last)));
    const cpuMicros = this.#cpuMicros() - cpuBefore;
    const deliveries = heard.reduce((sum, each) => sum + each.deliveries, 0);
    const readers = this.#readers.reduce((sum, each) => sum + each.count, 0);
    if (deliveries !== readers * sends.length) throw new Error(`${deliveries} of ${readers * sends.length} notes came`);
    const lateness = Float64Array.from(heard.flatMap((each) => [...each.lateness])).toSorted();
    return {
      deliveriesPerCoreSecond: deliveries / (cpuMicros / 1e6),
      p50Millis: quantile(lateness, 0.5),
      p99Millis: quantile(lateness, 0.99),
    };
  }

  #cpuMicros(): number {
    return this.#processes.reduce((sum, each) => sum + each.cpuMicros(), 0);
  }

  async #send(): Promise<number> {
    const request = { room: this.#room, message: messageOfNow(), authorId: '0', noteId: '' };
    const { note } = await firstValueFrom(this.#chat.sendNote(request));
    return Number(note?.seq);
  }
}
