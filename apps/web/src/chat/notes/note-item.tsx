import { Avatar } from '../../parts/avatar.tsx';
import { Time } from '../../parts/time.tsx';
import type { Note } from './note.ts';
import { Words } from '../words.tsx';

/** A note; one that follows another of the same author stands under its name. */
export function NoteItem({ note, follows }: { readonly note: Note; readonly follows: boolean }) {
  const { authorId, authorName, message, sendTime, seq } = note;
  return (
    <li class={`note ${follows ? 'follows' : ''}`} data-seq={seq}>
      {follows ? <Time at={sendTime} form="clock" /> : <Avatar name={authorName} id={authorId} />}
      <div class="body">
        <p class={follows ? 'unseen' : 'by'}>
          <strong>{authorName}</strong> {!follows && <Time at={sendTime} form="clock" />}
        </p>
        <p class="message-text">
          <Words text={message} />
        </p>
      </div>
    </li>
  );
}
