import type { StreamState } from '../calls/event-stream.ts';

const words: Readonly<Record<StreamState, string>> = {
  connecting: 'Connecting …',
  live: 'Live',
  waiting: 'Reconnecting …',
  paused: 'Paused',
  refused: 'Not live',
};

/** Says whether what is shown is kept up to date. */
export function StreamMark({ state }: { readonly state: StreamState | undefined }) {
  return (
    <p class={`stream-mark ${state ?? 'refused'}`} role="status">
      {state === undefined ? '' : words[state]}
    </p>
  );
}
