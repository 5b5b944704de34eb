import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Icon } from '../../parts/icon.tsx';
import { may, protectedMode } from '../../shell/caller.ts';
import { sendNote } from './sending.ts';
import { speaker } from '../speaker/speaker.ts';
import { SpeakerDialog } from '../speaker/speaker-dialog.tsx';

const mostCodePoints = 4096;
/** From here on it is told how much is left. */
const tellsAt = mostCodePoints - 300;
const touches = matchMedia('(pointer: coarse)');

/** As the contract counts. */
const codePoints = (text: string): number => Array.from(text).length;

/** What was begun in each room. */
const begun = new Map<string, string>();

/** Where one says something. Enter sends; with Shift, and where one types on glass, it begins a line. */
export function Composer({ room }: { readonly room: string }) {
  const text = useSignal(begun.get(room) ?? '');
  const choosing = useSignal(false);
  const area = useRef<HTMLTextAreaElement>(null);
  if (!may('chat.v1.ChatService.SendNote')) {
    return (
      <p class="composer hint">You read along here. Guests say nothing; an administrator can make you a member.</p>
    );
  }
  const left = mostCodePoints - codePoints(text.value);
  const write = (written: string): void => {
    text.value = written;
    begun.set(room, written);
  };
  const send = (): void => {
    const message = text.value.trim();
    if (message === '' || left < 0) return;
    sendNote(room, message);
    write('');
    area.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {protectedMode.value && (
        <button type="button" class="plain speaking" onClick={() => (choosing.value = true)}>
          Speaking as <strong>{`${speaker.value.id === '0' ? 'the ' : ''}${speaker.value.name}`}</strong>
        </button>
      )}
      <div class="writing">
        <label class="unseen" for="message">
          Message to {room}
        </label>
        <textarea
          id="message"
          ref={area}
          rows={1}
          placeholder={`Message to ${room}`}
          aria-describedby={left < mostCodePoints - tellsAt ? 'left' : undefined}
          aria-invalid={left < 0 ? true : undefined}
          enterkeyhint={touches.matches ? 'enter' : 'send'}
          value={text.value}
          onInput={({ currentTarget }) => write(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing || touches.matches) return;
            event.preventDefault();
            send();
          }}
        />
        <button type="submit" class="main icon" aria-label="Send" aria-disabled={text.value.trim() === '' || left < 0}>
          <Icon name="send" />
        </button>
      </div>
      {left < mostCodePoints - tellsAt && (
        <p id="left" class={left < 0 ? 'wrong' : 'hint'}>
          {left < 0 ? `${-left} characters too many` : `${left} characters left`}
        </p>
      )}
      {choosing.value && <SpeakerDialog onClose={() => (choosing.value = false)} />}
    </form>
  );
}
