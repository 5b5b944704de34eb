import { Avatar } from '../../parts/avatar.tsx';
import { Icon } from '../../parts/icon.tsx';
import type { Draft } from './outbox.ts';
import { outbox } from './sending.ts';
import { Words } from '../words.tsx';

/** A note that is on its way, or did not get there. */
export function DraftItem({ draft }: { readonly draft: Draft }) {
  const { noteId, authorId, authorName, message, state, why } = draft;
  return (
    <li class={`note draft ${state}`}>
      <Avatar name={authorName} id={authorId} />
      <div class="body">
        <p class="by">
          <strong>{authorName}</strong>
          {state === 'waiting' && (
            <span class="sending">
              <Icon name="clock" /> Sending …
            </span>
          )}
        </p>
        <p class="message-text">
          <Words text={message} />
        </p>
        {state === 'failed' && (
          <div class="not-sent" role="alert">
            <p>Not sent. {why}</p>
            <button type="button" onClick={() => outbox.peek().retry(noteId)}>
              Send again
            </button>
            <button type="button" class="quiet" onClick={() => outbox.peek().forget(noteId)}>
              Discard
            </button>
          </div>
        )}
      </div>
    </li>
  );
}
