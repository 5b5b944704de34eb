import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../../parts/icon.tsx';
import { Time } from '../../parts/time.tsx';
import { announce } from '../../shell/messages.tsx';
import { DraftItem } from './draft-item.tsx';
import { linesOf } from './grouping.ts';
import { isNote } from './note.ts';
import { NoteItem } from './note-item.tsx';
import type { OpenRoom } from '../open-room.ts';
import { markRead } from '../rooms.ts';
import { outbox } from './sending.ts';
import { speaker } from '../speaker/speaker.ts';

/** As near to the end as this, one reads the latest. */
const nearPx = 60;

/** The notes of a room: what is new is followed while one is at the end, and history comes as one scrolls up to it. */
export function NoteList({ room }: { readonly room: OpenRoom }) {
  const view = useRef<HTMLDivElement>(null);
  const shown = useRef({ firstSeq: 0, lastSeq: 0, height: 0 });
  const atEnd = useSignal(true);
  const newBelow = useSignal(0);
  const entries = room.entries.value;
  const drafts = outbox.value.drafts.value.filter((draft) => draft.room === room.name);
  const notes = new Set(entries.filter(isNote).map(({ noteId }) => noteId));
  const onTheirWay = drafts.filter(({ noteId }) => !notes.has(noteId));

  const look = (): void => {
    const element = view.current;
    if (element === null) return;
    atEnd.value = room.atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx;
    if (atEnd.value && document.visibilityState === 'visible') {
      newBelow.value = 0;
      if (room.caughtUp.value && room.lastSeq() > 0) markRead(room.name, room.lastSeq());
    }
    if (room.caughtUp.value && element.scrollTop < element.clientHeight) void room.loadOlder();
  };
  const toEnd = (): void => view.current?.scrollTo(0, view.current.scrollHeight);

  useLayoutEffect(() => {
    const element = view.current;
    if (element === null) return;
    const { firstSeq, lastSeq, height } = shown.current;
    const [first, last] = [entries[0]?.seq ?? 0, entries.at(-1)?.seq ?? 0];
    const came = lastSeq === 0 ? [] : entries.filter(isNote).filter(({ seq }) => seq > lastSeq);
    // What comes in above moves nothing that is being read.
    if (firstSeq > 0 && first < firstSeq) element.scrollTop += element.scrollHeight - height;
    else if (atEnd.value) toEnd();
    if (!atEnd.value) newBelow.value += came.length;
    const others = came.filter(({ authorId }) => authorId !== speaker.value.id || authorId === '0');
    if (others.length === 1) announce(`${others[0]?.authorName}: ${others[0]?.message}`);
    else if (others.length > 1) announce(`${others.length} new notes`);
    shown.current = { firstSeq: first, lastSeq: last, height: element.scrollHeight };
    look();
  }, [entries]);
  useLayoutEffect(toEnd, [onTheirWay.length]);
  useLayoutEffect(() => {
    if (atEnd.value) toEnd(); // what has failed says why, below
  }, [onTheirWay.map(({ state }) => state).join()]);
  useLayoutEffect(() => {
    shown.current.height = view.current?.scrollHeight ?? 0;
  });
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (atEnd.value) toEnd();
    });
    if (view.current !== null) observer.observe(view.current);
    const stop = new AbortController();
    for (const [target, event] of [
      [document, 'visibilitychange'],
      [window, 'focus'],
    ] as const)
      target.addEventListener(event, look, { signal: stop.signal });
    return () => {
      observer.disconnect();
      stop.abort();
    };
  }, []);
  useLayoutEffect(() => {
    const mark = view.current?.querySelector<HTMLElement>('.new-mark');
    // A room opens where one stopped reading, else at its end.
    if (mark) view.current?.scrollTo(0, mark.offsetTop - view.current.clientHeight / 3);
    look();
  }, [room.caughtUp.value]);

  return (
    <div class="notes-place">
      <div class="notes" ref={view} onScroll={look} tabIndex={0} role="region" aria-label={`Notes in ${room.name}`}>
        <History room={room} />
        <ol>
          {linesOf(entries, room.readBefore.value).map((line) => {
            if (line.kind === 'day') {
              return (
                <li key={line.key} class="day">
                  <Time at={line.at} form="day" />
                </li>
              );
            }
            if (line.kind === 'gap') {
              return (
                <li key={line.key} class="gap">
                  Notes {line.gap.seq} to {line.gap.lastSeq} are not kept any more
                </li>
              );
            }
            if (line.kind === 'unread') {
              return (
                <li key={line.key} class="new-mark">
                  New
                </li>
              );
            }
            return <NoteItem key={line.key} note={line.note} follows={line.follows} />;
          })}
          {onTheirWay.map((draft) => (
            <DraftItem key={draft.noteId} draft={draft} />
          ))}
        </ol>
        {room.caughtUp.value && entries.length === 0 && onTheirWay.length === 0 && (
          <p class="nothing">Nobody has said anything here yet.</p>
        )}
      </div>
      {!atEnd.value && (
        <button type="button" class="to-end" onClick={toEnd}>
          <Icon name="down" />
          {newBelow.value > 0 ? `${newBelow.value} new` : 'To the latest'}
        </button>
      )}
    </div>
  );
}

function History({ room }: { readonly room: OpenRoom }) {
  const state = room.older.value;
  if (state === 'none') return <p class="beginning">This is where {room.name} begins.</p>;
  return <p class="beginning">{state === 'loading' ? 'Earlier notes …' : ''}</p>;
}
