import { useSignal } from '@preact/signals';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Time } from '../parts/time.tsx';
import { may } from '../shell/caller.ts';
import { go, roomAddress } from '../shell/route.ts';
import { type Room, rooms, unreadOf } from './rooms.ts';

/** The rooms, those with what was not read marked. */
export function RoomList({ open }: { readonly open: string | undefined }) {
  const adding = useSignal(false);
  const known = rooms.value ?? [];
  // A room begins with its first note; until then it is in nobody's list but one's own.
  const shown: readonly Room[] =
    open === undefined || known.some(({ name }) => name === open)
      ? known
      : [{ name: open, firstSeq: 1, lastSeq: 0, lastNoteTime: undefined }, ...known];
  return (
    <nav class="rooms-pane" aria-label="Rooms">
      <div class="pane-head">
        <h2>Rooms</h2>
        <button type="button" class="icon" aria-label="Open a room" onClick={() => (adding.value = true)}>
          <Icon name="add" />
        </button>
      </div>
      <ul>
        {shown.map((room) => (
          <RoomItem key={room.name} room={room} open={room.name === open} />
        ))}
      </ul>
      {rooms.value !== undefined && shown.length === 0 && (
        <p class="hint">
          No room has notes yet.
          {may('chat.v1.ChatService.SendNote') && ' Open one, and say something.'}
        </p>
      )}
      {adding.value && <AddRoom onClose={() => (adding.value = false)} />}
    </nav>
  );
}

function RoomItem({ room, open }: { readonly room: Room; readonly open: boolean }) {
  const unread = open && document.hasFocus() ? 0 : unreadOf(room);
  return (
    <li>
      <a href={roomAddress(room.name)} aria-current={open ? 'page' : undefined} class={unread > 0 ? 'has-unread' : ''}>
        <span class="room-name">{room.name}</span>
        {unread > 0 ? (
          <span class="unread">
            {unread > 99 ? '99+' : unread}
            <span class="unseen"> unread</span>
          </span>
        ) : (
          <Time at={room.lastNoteTime} form="recent" />
        )}
      </a>
    </li>
  );
}

const roomName = /^[a-z0-9][a-z0-9-]{0,62}$/;

function AddRoom({ onClose }: { readonly onClose: () => void }) {
  const name = useSignal('');
  const wrong = useSignal<string | undefined>(undefined);
  const rule =
    'Lower-case letters, digits and hyphens, such as "kitchen". It is there for all as soon as a note is in it.';
  return (
    <Dialog title="Open a room" onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!roomName.test(name.value))
            return void (wrong.value =
              'This is no name of a room: up to 63 lower-case letters, digits and hyphens, no hyphen first.');
          onClose();
          go(roomAddress(name.value));
        }}
      >
        <Field label="Name" hint={rule} wrong={wrong.value}>
          {(names) => (
            <input
              {...names}
              data-first
              autocomplete="off"
              autocapitalize="none"
              maxLength={63}
              value={name.value}
              onInput={({ currentTarget }) => {
                name.value = currentTarget.value.toLowerCase().replace(/[\s_]+/g, '-');
              }}
            />
          )}
        </Field>
        <div class="buttons">
          <button type="button" class="quiet" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="main">
            Open
          </button>
        </div>
      </form>
    </Dialog>
  );
}
