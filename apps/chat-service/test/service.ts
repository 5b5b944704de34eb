import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { Metadata } from '@grpc/grpc-js';
import { type CallOptions, GrpcChannel, RpcError, type health } from '@rollcall/grpc';
import { type chat, rollcallContract, type tutorialChatServer, tutorialChatServerContract } from '@rollcall/proto';
import { makeDirectory } from '@rollcall/test-servers';
import { firstValueFrom, type Observable } from 'rxjs';
import { type Config, readConfig } from '../src/config.ts';
import { createService } from '../src/service.ts';
import { startDirectory } from './directory-server.ts';
import { testedNats } from './engines.ts';

/** The clients of a service. */
export function connect(target: string) {
  const channel = new GrpcChannel(target, { defaultDeadlineMs: 60_000 }); // for a busy machine
  return {
    chat: channel.client<chat.ChatServiceClient>(rollcallContract, 'rollcall.chat.v1.ChatService'),
    tutorial: channel.client<tutorialChatServer.ChatServerClient>(tutorialChatServerContract, 'grpc.ChatServer'),
    health: channel.client<health.HealthClient>(rollcallContract, 'grpc.health.v1.Health'),
    close: () => channel.close(),
  };
}

/** Starts the service in this process, on a unix socket, over a log and a directory of its own. */
export async function startChat(config: Partial<Config> = {}) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(makeDirectory());
  const users = stack.use(await startDirectory());
  const serviceTokenFile = `${folder.path}/service-token`;
  writeFileSync(serviceTokenFile, `rcv_${'a'.repeat(43)}\n`);
  const { app, server } = await createService({
    ...readConfig(testedNats(config.dataDir ?? folder.path)),
    listen: `unix://${folder.path}/chat.sock`,
    userTarget: users.target,
    dataDir: folder.path,
    serviceTokenFile,
    logLevels: ['fatal'],
    ...config,
  });
  stack.defer(() => app.close());
  await app.listen();
  const clients = stack.adopt(connect(server.address), ({ close }) => close());
  const owned = stack.move();
  return {
    ...clients,
    users,
    address: server.address,
    dataDir: folder.path,
    close: () => app.close(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export type ChatService = Awaited<ReturnType<typeof startChat>>;

/** The option of a call by a user who is signed in. */
export function by(userId: string): CallOptions {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer token-${userId}`);
  return { metadata };
}

let sent = 0;

/** Sends a note. */
export async function send(
  { chat: client }: Pick<ChatService, 'chat'>,
  fields: Partial<chat.SendNoteRequest> = {},
  options?: CallOptions,
): Promise<chat.Note> {
  const request = { room: 'hall', message: `note ${(sent += 1)}`, authorId: '0', noteId: '', ...fields };
  const { note } = await firstValueFrom(client.sendNote(request, options));
  if (note === null) throw new Error('there is no note');
  return note;
}

/** Sends some notes, one after the other. */
export async function sendMany(service: Pick<ChatService, 'chat'>, count: number, room = 'hall'): Promise<chat.Note[]> {
  const notes: chat.Note[] = [];
  for (let index = 1; index <= count; index += 1) notes.push(await send(service, { room, message: `note ${index}` }));
  return notes;
}

/** A stream of a room that is read into memory. */
export function read(
  { chat: client }: Pick<ChatService, 'chat'>,
  request: Partial<chat.StreamNotesRequest> = {},
  options?: CallOptions,
) {
  return collect(client.streamNotes({ room: 'hall', presence: false, presentAs: '0', ...request }, options));
}

/** Reads a stream of events into memory. */
export function collect(source: Observable<chat.StreamNotesResponse>) {
  const events: chat.RoomEvent[] = [];
  let cause: unknown;
  let isOver = false;
  let changed = Promise.withResolvers<void>();
  const wake = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const subscription = source.subscribe({
    next: (message) => {
      events.push(...message.events);
      wake();
    },
    error: (error: unknown) => {
      [cause, isOver] = [error, true];
      wake();
    },
    complete: () => {
      isOver = true;
      wake();
    },
  });
  return {
    events,
    /** The numbers of the notes so far. */
    seqs: () => events.flatMap(({ note }) => (note === null ? [] : Number(note.seq))),
    /** Waits until something is true of the events. */
    async until(is: (all: readonly chat.RoomEvent[]) => boolean): Promise<void> {
      while (!is(events)) {
        if (isOver) throw new Error('the stream is over', { cause });
        await changed.promise;
      }
    },
    /** Waits for the error that ends it. */
    async error(): Promise<RpcError> {
      while (!isOver) await changed.promise;
      if (cause instanceof RpcError) return cause;
      throw new Error('the stream did not fail', { cause });
    },
    close: () => subscription.unsubscribe(),
    [Symbol.dispose]: () => subscription.unsubscribe(),
  };
}

/** What a call fails with. */
export async function failure(call: Promise<unknown> | Observable<unknown>): Promise<RpcError> {
  try {
    await (call instanceof Promise ? call : firstValueFrom(call));
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}

/** Numbers from one to another. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
