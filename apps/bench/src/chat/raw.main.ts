// The variant `raw`: grpc-js alone hands each note, encoded once, to all readers, keeps nothing, and knows nobody.
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { chat, rollcallContract } from '@rollcall/proto';
import { codecsOf } from '@rollcall/contract';

const { KIND_NOTE, KIND_CHECKPOINT } = chat.RoomEvent_Kind;
const codecs = codecsOf(rollcallContract);
const [send, stream] = ['SendNote', 'StreamNotes'].map((name) => codecs.get(`/rollcall.chat.v1.ChatService/${name}`));
if (send === undefined || stream === undefined) throw new Error('there are no codecs');

const identity = (bytes: Buffer): Buffer => bytes;
const readers = new Set<ServerWritableStream<Buffer, Buffer>>();
let seq = 0;

const server = new Server();
server.register<Buffer, Buffer>(
  '/rollcall.chat.v1.ChatService/SendNote',
  (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => {
    const { room, message } = send.decodeRequest(call.request) as chat.SendNoteRequest; // by its codec
    seq += 1;
    const sendTime = { seconds: String(Math.floor(Date.now() / 1000)), nanos: 0 };
    const note = { room, seq: String(seq), noteId: '', authorId: '0', authorName: '', message, sendTime };
    const event = { kind: KIND_NOTE, seq: note.seq, note, gap: null, members: [] };
    const bytes = stream.encodeResponse({ events: [event] });
    for (const reader of readers) reader.write(bytes);
    respond(null, send.encodeResponse({ note }));
  },
  identity,
  identity,
  'unary',
);
server.register<Buffer, Buffer>(
  '/rollcall.chat.v1.ChatService/StreamNotes',
  (call: ServerWritableStream<Buffer, Buffer>) => {
    readers.add(call);
    call.on('cancelled', () => readers.delete(call));
    const checkpoint = { kind: KIND_CHECKPOINT, seq: String(seq), note: null, gap: null, members: [] };
    call.write(stream.encodeResponse({ events: [checkpoint] }));
  },
  identity,
  identity,
  'serverStream',
);
server.bindAsync(process.env['LISTEN'] ?? '', ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
process.on('SIGTERM', () => server.forceShutdown());
