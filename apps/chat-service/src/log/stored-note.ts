import { type chat, rollcallContract } from '@rollcall/proto';
import { codecsOf } from '@rollcall/contract';
import { maxNoteBytes } from './note-log.ts';

const codec = codecsOf(rollcallContract).get('/rollcall.chat.v1.ChatService/SendNote');

/** A note as a stream keeps it, a SendNoteResponse. It has no number, which the stream gives it. */
export function encodeNote(note: chat.Note): Uint8Array {
  if (codec === undefined) throw new Error('the contract has no SendNote');
  return codec.encodeResponse({ note: { ...note, seq: '0' } });
}

/** A kept note with its number; undefined when it is none of this room, such as what others have published there, or too large. */
export function decodeNote(bytes: Uint8Array, room: string, seq: number): chat.Note | undefined {
  if (codec === undefined) throw new Error('the contract has no SendNote');
  const note = readNote(codec.decodeResponse, bytes);
  return note?.room === room && note.noteId !== '' && note.sendTime !== null && sizeOf(note) <= maxNoteBytes
    ? { ...note, seq: String(seq) }
    : undefined;
}

function sizeOf({ message, authorName }: chat.Note): number {
  return Buffer.byteLength(message) + Buffer.byteLength(authorName);
}

function readNote(decode: (bytes: Uint8Array) => object, bytes: Uint8Array): chat.Note | null {
  try {
    return (decode(bytes) as chat.SendNoteResponse).note; // the codec of this message
  } catch {
    return null; // the bytes are no message
  }
}
