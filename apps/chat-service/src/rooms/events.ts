import { encodedForm } from '@rollcall/grpc';
import { chat, rollcallContract } from '@rollcall/proto';
import { codecsOf } from '@rollcall/contract';

const { KIND_NOTE, KIND_GAP, KIND_CHECKPOINT } = chat.RoomEvent_Kind;

const codec = codecsOf(rollcallContract).get('/rollcall.chat.v1.ChatService/StreamNotes');
if (codec === undefined) throw new Error('the contract has no StreamNotes');
const { encodeResponse } = codec;

/** A message of a stream, encoded once for all who get it. */
export interface EncodedEvents extends chat.StreamNotesResponse {
  readonly [encodedForm]: Buffer;
}

/** Encodes a message of a stream. */
export function encodeEvents(events: chat.RoomEvent[]): EncodedEvents {
  return { events, [encodedForm]: encodeResponse({ events }) };
}

export function noteEvent(note: chat.Note): chat.RoomEvent {
  return { kind: KIND_NOTE, seq: note.seq, note, gap: null, members: [] };
}

/** The notes from one number to another are not kept any more. */
export function gapEvent(first: number, last: number): chat.RoomEvent {
  const gap = { firstSeq: String(first), lastSeq: String(last) };
  return { kind: KIND_GAP, seq: gap.lastSeq, note: null, gap, members: [] };
}

/** Everything up to a number has been sent. */
export function checkpointEvent(seq: number): chat.RoomEvent {
  return { kind: KIND_CHECKPOINT, seq: String(seq), note: null, gap: null, members: [] };
}

export function memberEvent(kind: chat.RoomEvent_Kind, members: readonly chat.Member[], seq: number): chat.RoomEvent {
  return { kind, seq: String(seq), note: null, gap: null, members: [...members] };
}

/** Events of notes behind a number, in their order, with those that are missing among them as gaps. */
export function eventsOf(notes: readonly chat.Note[], afterSeq: number): chat.RoomEvent[] {
  let last = afterSeq;
  return notes.flatMap((note) => {
    const seq = Number(note.seq);
    const gap = seq > last + 1 ? [gapEvent(last + 1, seq - 1)] : [];
    last = seq;
    return [...gap, noteEvent(note)];
  });
}
