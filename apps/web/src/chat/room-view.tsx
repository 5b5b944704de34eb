import { useSignal } from '@preact/signals';
import { Icon } from '../parts/icon.tsx';
import { StreamMark } from '../parts/stream-mark.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { Composer } from './notes/composer.tsx';
import { Members } from './members.tsx';
import { NoteList } from './notes/note-list.tsx';
import type { OpenRoom } from './open-room.ts';

/** A room: its notes, who is there, and what one says. */
export function RoomView({ room }: { readonly room: OpenRoom }) {
  const showsMembers = useSignal(false);
  const present = [...room.members.value.values()].filter((member) => member.present).length;
  return (
    <>
      <section class="room" aria-label={`Room ${room.name}`}>
        <div class="pane-head">
          <a class="icon back" href="#/rooms" aria-label="All rooms">
            <Icon name="back" />
          </a>
          <h2>{room.name}</h2>
          <StreamMark state={room.stream.state.value} />
          <button
            type="button"
            class="quiet members-button"
            aria-expanded={showsMembers.value}
            onClick={() => (showsMembers.value = !showsMembers.value)}
          >
            <Icon name="people" />
            {present} here
          </button>
        </div>
        <Trouble problem={room.problem.value} />
        <NoteList room={room} />
        <Composer room={room.name} />
      </section>
      <Members members={room.members.value} open={showsMembers.value} onClose={() => (showsMembers.value = false)} />
    </>
  );
}
