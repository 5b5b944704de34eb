import { signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Trouble } from '../parts/trouble.tsx';
import { protectedMode } from '../shell/caller.ts';
import { becomeAddress, roomAddress, route } from '../shell/route.ts';
import { OpenRoom } from './open-room.ts';
import { RoomList } from './room-list.tsx';
import { RoomView } from './room-view.tsx';
import { rooms, roomsProblem } from './rooms.ts';
import { speaker } from './speaker/speaker.ts';

const wide = matchMedia('(min-width: 48rem)');
/** The room that was open last. */
const last = signal<string | undefined>(undefined);

/** The chat: the rooms, and the one that is open. */
export function ChatView() {
  const name = route.value.view === 'chat' ? route.value.room : undefined;
  const presentAs = protectedMode.value ? speaker.value.id : '0';
  const opened = useSignal<OpenRoom | undefined>(undefined);
  useEffect(() => {
    if (name === undefined) return;
    const room = new OpenRoom(name, presentAs);
    opened.value = room;
    last.value = name;
    return () => {
      room.close();
      opened.value = undefined;
    };
  }, [name, presentAs]);
  useEffect(() => {
    // Where there is space for a room beside the list, one is open.
    const first = last.value ?? rooms.value?.[0]?.name ?? 'lobby';
    if (name === undefined && wide.matches && rooms.value !== undefined) becomeAddress(roomAddress(first));
  }, [name, rooms.value === undefined]);
  return (
    <div class={`chat ${name === undefined ? 'at-list' : 'at-room'}`}>
      <h1 class="unseen">Chat</h1>
      <RoomList open={name} />
      {opened.value && <RoomView key={`${opened.value.name} ${presentAs}`} room={opened.value} />}
      {rooms.value === undefined && <Trouble problem={roomsProblem.value} />}
    </div>
  );
}
