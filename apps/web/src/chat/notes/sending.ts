import { computed, untracked } from '@preact/signals';
import type { NoteJson, SendNoteRequestJson } from '@rollcall/proto/json';
import { call } from '../../calls/call.ts';
import { store, storedJson } from '../../parts/stored.ts';
import { callerId, protectedMode } from '../../shell/caller.ts';
import { noteOf } from './note.ts';
import { type Draft, Outbox } from './outbox.ts';
import { speaker } from '../speaker/speaker.ts';

/** The outbox of whoever is signed in: what one has written is not sent by another. */
export const outbox = computed(() => {
  const name = `outbox.${callerId.value}`;
  return untracked(() => openOutbox(name));
});

function openOutbox(name: string): Outbox {
  return new Outbox({
    load: () => storedJson(name, areDrafts) ?? [],
    save: (drafts) => store(name, drafts.length === 0 ? undefined : JSON.stringify(drafts)),
    send: async ({ room, message, noteId, authorId }) => {
      const body: Omit<SendNoteRequestJson, 'room'> = { message, noteId, authorId };
      return noteOf(await call<NoteJson>('POST', `v1/rooms/${encodeURIComponent(room)}/notes`, { body }));
    },
  });
}

/** Sends a note to a room, now or as soon as that is possible. */
export function sendNote(room: string, message: string): void {
  const { id, name } = speaker.peek();
  outbox.peek().add({
    noteId: crypto.randomUUID(),
    room,
    message,
    authorId: protectedMode.peek() ? id : '0',
    authorName: name,
    time: new Date().toISOString(),
  });
}

function areDrafts(json: unknown): json is Draft[] {
  return (
    Array.isArray(json) && json.every((draft) => typeof draft?.noteId === 'string' && typeof draft.room === 'string')
  );
}

addEventListener('online', () => outbox.peek().hurry());
