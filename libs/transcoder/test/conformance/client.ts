/** A client for connectconformance to judge: GrpcChannel. It makes the calls that it reads of, and writes what came of each. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, fromBinary, type Message } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { Metadata, status as Status } from '@grpc/grpc-js';
import { StatusSchema } from '@rollcall/contract';
import { callableMethod, fromIterable, GrpcChannel, RpcError, TlsFiles } from '@rollcall/grpc';
import type { Observable } from 'rxjs';
import { conformanceContract } from './contract.ts';
import { readMessages, writeMessage } from './framing.ts';

interface Header {
  readonly name: string;
  readonly value: readonly string[];
}

interface CompatRequest extends Message {
  readonly testName: string;
  readonly host: string;
  readonly port: number;
  readonly compression: number;
  readonly serverTlsCert: Uint8Array;
  readonly clientTlsCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
  readonly messageReceiveLimit: number;
  readonly service?: string;
  readonly method?: string;
  readonly requestHeaders: readonly Header[];
  readonly requestMessages: readonly Any[];
  readonly timeoutMs?: number;
  readonly requestDelayMs: number;
  readonly cancel?: { readonly cancelTiming: { readonly case?: string; readonly value?: unknown } };
  readonly streamType: number;
}

const contract = conformanceContract();
const descOf = (name: string) => {
  const desc = contract.registry.getMessage(`connectrpc.conformance.v1.${name}`);
  if (desc === undefined) throw new Error(`the suite has no ${name}`);
  return desc;
};
const requestType = descOf('ClientCompatRequest');
const responseType = descOf('ClientCompatResponse');
const fullDuplex = 5;
const gzip = 2;

const directory = mkdtempSync(join(tmpdir(), 'conformance-client-'));
let files = 0;
const channels = new Map<string, GrpcChannel>();
/** How many calls are under way at a time: some are judged by how long they take. */
const maxRunning = 8;
const running = new Set<Promise<void>>();
for await (const asked of readMessages(process.stdin, requestType)) {
  const made = answer(asked as CompatRequest);
  running.add(made);
  void made.finally(() => running.delete(made));
  if (running.size >= maxRunning) await Promise.race(running);
}
await Promise.all(running);
for (const channel of channels.values()) channel.close();
rmSync(directory, { recursive: true, force: true });

async function answer(asked: CompatRequest): Promise<void> {
  let result: object;
  try {
    result = { case: 'response', value: create(descOf('ClientResponseResult'), await call(asked)) };
  } catch (error) {
    result = { case: 'error', value: create(descOf('ClientErrorResult'), { message: String(error) }) };
  }
  writeMessage(process.stdout, responseType, create(responseType, { testName: asked.testName, result }));
}

async function call(asked: CompatRequest): Promise<Record<string, unknown>> {
  const method = contract.methods.get(`/${asked.service ?? ''}/${asked.method ?? ''}`);
  if (method === undefined) throw new Error(`the suite has no ${asked.service}/${asked.method}`);
  const channel = channelOf(asked);
  const callable = callableMethod(
    method,
    (bytes: Buffer) => bytes,
    (bytes) => fromBinary(method.output, bytes) as Message & { readonly payload?: Message },
  );
  await channel.ready(Date.now() + 10_000); // the time for that is not the call's
  const metadata = new Metadata();
  for (const { name, value } of asked.requestHeaders)
    for (const each of value) metadata.add(name, name.endsWith('-bin') ? Buffer.from(each, 'base64') : each);

  const timing = asked.cancel?.cancelTiming;
  const payloads: Message[] = [];
  const responses = { count: 0, waiting: undefined as (() => void) | undefined };
  let headers: Metadata | undefined;
  let trailers: Metadata | undefined;
  let unsent = 0;
  let stop = (): void => undefined;
  const messages = asked.requestMessages.map(({ value }) => Buffer.from(value));
  const requests = async function* (): AsyncGenerator<Buffer> {
    try {
      unsent = messages.length;
      for (const [index, message] of messages.entries()) {
        await sleep(asked.requestDelayMs);
        unsent -= 1;
        yield message;
        if (asked.streamType === fullDuplex)
          while (responses.count <= index && !ended)
            await new Promise<void>((resolve) => (responses.waiting = resolve));
        if (ended) return;
      }
      if (timing?.case === 'beforeCloseSend') {
        stop();
        await new Promise(() => undefined);
      }
    } finally {
      if (timing?.case === 'afterCloseSendMs') setTimeout(() => stop(), Number(timing.value));
    }
  };
  let ended = false;
  let input: Buffer | Observable<Buffer>;
  if (method.requestStream) input = fromIterable(requests);
  else {
    await sleep(asked.requestDelayMs);
    input = messages[0] ?? Buffer.alloc(0);
  }
  const error = await new Promise<RpcError | undefined>((resolve) => {
    const subscription = channel
      .call(callable, input, {
        metadata,
        ...(asked.timeoutMs !== undefined && { deadline: Date.now() + asked.timeoutMs }),
        onHeaders: (received) => (headers = received),
        onTrailers: (received) => (trailers = received),
      })
      .subscribe({
        next: (response) => {
          payloads.push(response.payload ?? create(descOf('ConformancePayload')));
          responses.count += 1;
          responses.waiting?.();
          if (timing?.case === 'afterNumResponses' && responses.count === Number(timing.value)) stop();
        },
        error: (caught: unknown) =>
          resolve(caught instanceof RpcError ? caught : new RpcError(Status.INTERNAL, '', String(caught))),
        complete: () => queueMicrotask(() => resolve(undefined)),
      });
    stop = () => {
      subscription.unsubscribe();
      resolve(new RpcError(Status.CANCELLED, '', 'cancelled'));
    };
    if (!method.requestStream && timing?.case === 'afterCloseSendMs') setTimeout(() => stop(), Number(timing.value));
    if (timing?.case === 'afterNumResponses' && Number(timing.value) === 0) stop();
  });
  ended = true;
  responses.waiting?.();
  return {
    responseHeaders: listOf(headers),
    responseTrailers: listOf(trailers),
    payloads,
    numUnsentRequests: unsent,
    ...(error !== undefined && { error: create(descOf('Error'), errorOf(error, trailers)) }),
  };
}

/** Calls of one kind share a connection, as they do elsewhere. */
function channelOf(asked: CompatRequest): GrpcChannel {
  const { host, port, compression, messageReceiveLimit: limit, serverTlsCert, clientTlsCreds } = asked;
  const key = JSON.stringify([host, port, compression, limit, clientTlsCreds !== undefined]);
  const known = channels.get(key);
  if (known !== undefined) return known;
  const channel = new GrpcChannel(`${host}:${port}`, {
    defaultDeadlineMs: Infinity,
    ...(serverTlsCert.length > 0 && { tls: tlsFiles(asked) }),
    channelOptions: {
      'grpc.max_receive_message_length': limit > 0 ? limit : -1,
      ...(compression === gzip && { 'grpc.default_compression_algorithm': 2 }),
    },
  });
  channels.set(key, channel);
  return channel;
}

function errorOf({ code, message }: RpcError, trailers: Metadata | undefined): Record<string, unknown> {
  const [encoded] = trailers?.get('grpc-status-details-bin') ?? [];
  const details = Buffer.isBuffer(encoded) ? fromBinary(StatusSchema, encoded).details : [];
  return { code, message, details };
}

function listOf(metadata: Metadata | undefined): Message[] {
  const names = Object.keys(metadata?.getMap() ?? {});
  return names.map((name) =>
    create(descOf('Header'), {
      name,
      value: (metadata?.get(name) ?? []).map((value) =>
        typeof value === 'string' ? value : value.toString('base64').replace(/=+$/, ''),
      ),
    }),
  );
}

function tlsFiles({ serverTlsCert, clientTlsCreds }: CompatRequest): TlsFiles {
  const write = (bytes: Uint8Array): string => {
    const path = join(directory, `${files++}.pem`);
    writeFileSync(path, bytes);
    return path;
  };
  return new TlsFiles({
    ca: write(serverTlsCert),
    ...(clientTlsCreds !== undefined && { cert: write(clientTlsCreds.cert), key: write(clientTlsCreds.key) }),
    callers: [],
    reloadMs: 60_000,
  });
}
