// Reads a room many times over, from a thread of its own, so that what it takes does not delay the note that is sent.
import { request } from 'node:http';
import { connect } from 'node:http2';
import { createConnection } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { chat, rollcallContract } from '@rollcall/proto';
import { codecsOf } from '@rollcall/contract';
import type { ReadersOf, ReadersReport } from './readers.ts';
import { sentAt } from './sent-at.ts';

const { kind, socketPath, room, count } = workerData as ReadersOf;
const path = '/rollcall.chat.v1.ChatService/StreamNotes';
const codec = codecsOf(rollcallContract).get(path);
if (codec === undefined) throw new Error(`no codec for ${path}`);
const { decodeResponse, encodeRequest } = codec;
const { KIND_CHECKPOINT } = chat.RoomEvent_Kind;

const streamsPerConnection = 100;

/** What a message says: which notes, sent when. */
interface Said {
  readonly notes: readonly { readonly seq: number; readonly sentAt: number }[];
  readonly caughtUp: boolean;
}

const lasts = new Int32Array(count).fill(-1);
let caughtUp = 0;
let lateness: number[] = [];
const faults = { lost: 0, doubled: 0, ended: 0 };
let awaited: number | undefined;
/** What a stream that ended has said of it. */
let lastError = '';

function report(answer: ReadersReport): void {
  parentPort?.postMessage(answer);
}

function hear(reader: number, { notes, caughtUp: done }: Said): void {
  const now = performance.timeOrigin + performance.now();
  for (const note of notes) {
    const last = lasts[reader] ?? -1;
    if (last >= 0 && note.seq <= last) faults.doubled += 1;
    else if (last >= 0) faults.lost += note.seq - last - 1;
    lasts[reader] = note.seq;
    lateness.push(now - note.sentAt);
  }
  if (done) {
    if (lasts[reader] === -1) lasts[reader] = 0;
    caughtUp += 1;
    if (caughtUp === count) report({ ready: true });
  }
  if (notes.length > 0) tell();
}

function ended(): void {
  faults.ended += 1;
  tell();
}

function tell(): void {
  const until = awaited;
  if (until === undefined || (faults.ended === 0 && lasts.some((last) => last < until))) return;
  awaited = undefined;
  const { lost, doubled, ended: over } = faults;
  const words =
    lost + doubled + over === 0 ? '' : `${lost} lost, ${doubled} doubled or late, ${over} streams ended ${lastError}`;
  report({ heard: { deliveries: lateness.length, lateness: Float64Array.from(lateness), faults: words } });
  lateness = [];
}

parentPort?.on('message', (seq: number) => {
  awaited = seq;
  tell();
});

function said(events: readonly Pick<chat.RoomEvent, 'kind' | 'note'>[]): Said {
  return {
    notes: events.flatMap(({ note }) => (note === null ? [] : { seq: Number(note.seq), sentAt: sentAt(note.message) })),
    caughtUp: events.some((event) => event.kind === KIND_CHECKPOINT),
  };
}

/** The last message, which most readers get after one another: it is read once. */
let lastBytes: Buffer = Buffer.alloc(0);
let lastSaid: Said = { notes: [], caughtUp: false };

function read(bytes: Buffer): Said {
  if (!bytes.equals(lastBytes)) {
    const { events } = decodeResponse(bytes) as chat.StreamNotesResponse; // by its codec
    [lastBytes, lastSaid] = [Buffer.from(bytes), said(events)];
  }
  return lastSaid;
}

/** HTTP/2 alone: a client of grpc-js would take more than the server does. @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
function openGrpc(): void {
  const body = encodeRequest({ room, presence: false, presentAs: '0', latest: 0 });
  const frame = Buffer.concat([Buffer.alloc(5), body]);
  frame.writeUInt32BE(body.length, 1);
  for (let first = 0; first < count; first += streamsPerConnection) {
    const session = connect('http://localhost', { createConnection: () => createConnection(socketPath) });
    for (let reader = first; reader < Math.min(first + streamsPerConnection, count); reader += 1) {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let rest: Buffer = Buffer.alloc(0);
      stream.on('data', (chunk: Buffer) => {
        let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        for (let size = sizeOf(bytes); bytes.length >= size; size = sizeOf(bytes)) {
          hear(reader, read(bytes.subarray(5, size)));
          bytes = bytes.subarray(size);
        }
        rest = bytes;
      });
      stream.on('close', ended);
      stream.on('error', () => undefined); // it closes too
      stream.end(frame);
    }
  }
}

/** How many bytes the first message takes, as far as that is known. */
function sizeOf(bytes: Buffer): number {
  return bytes.length < 5 ? Infinity : 5 + bytes.readUInt32BE(1);
}

let lastData = '';
let lastDataSaid: Said = { notes: [], caughtUp: false };

function readJson(data: string): Said {
  if (data !== lastData) {
    const event = JSON.parse(data) as { kind: string; note?: chat.Note };
    const isCheckpoint = event.kind === 'KIND_CHECKPOINT';
    lastData = data;
    lastDataSaid = { ...said([{ kind: 0, note: event.note ?? null }]), caughtUp: isCheckpoint };
  }
  return lastDataSaid;
}

function openSse(): void {
  for (let reader = 0; reader < count; reader += 1) {
    const headers = { host: 'localhost', accept: 'text/event-stream' };
    const opened = request({ socketPath, path: `/v1/rooms/${room}/notes:stream?latest=0`, headers, agent: false });
    opened.on('error', () => undefined); // it closes too
    opened.on('close', ended);
    opened.on('response', (response) => {
      let rest = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const parts = (rest + chunk).split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          const start = part.indexOf('data: ');
          if (part.startsWith('event: error')) lastError = part.slice(start);
          else if (start >= 0) hear(reader, readJson(part.slice(start + 6)));
        }
      });
    });
    opened.end();
  }
}

if (kind === 'grpc') openGrpc();
else openSse();
