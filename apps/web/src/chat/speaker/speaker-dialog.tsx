import { useSignal } from '@preact/signals';
import type { ListUsersResponseJson } from '@rollcall/proto/json';
import { useEffect } from 'preact/hooks';
import { call, query } from '../../calls/call.ts';
import { type Problem, problemIn } from '../../calls/problem.ts';
import { filterOf } from '../../directory/query.ts';
import { type User, wholeUser } from '../../directory/user/user.ts';
import { Avatar } from '../../parts/avatar.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Trouble } from '../../parts/trouble.tsx';
import { localAdministrator, speakAs, type Speaker, speaker } from './speaker.ts';

/** Chooses as whom to speak. */
export function SpeakerDialog({ onClose }: { readonly onClose: () => void }) {
  const text = useSignal('');
  const users = useSignal<readonly User[]>([]);
  const problem = useSignal<Problem | undefined>(undefined);
  useEffect(() => {
    const given = new AbortController();
    const timer = setTimeout(() => {
      find(text.value, given.signal).then(
        (found) => (users.value = found),
        (error: unknown) => given.signal.aborted || (problem.value = problemIn(error)),
      );
    }, 150);
    return () => {
      clearTimeout(timer);
      given.abort();
    };
  }, [text.value]);
  const choose = (chosen: Speaker): void => {
    onClose();
    speakAs(chosen);
  };
  const choices: readonly Speaker[] = [...(text.value === '' ? [localAdministrator.value] : []), ...users.value];
  return (
    <Dialog title="Speak as" onClose={onClose}>
      <p class="hint">In protected mode nobody signs in: choose whose notes yours are.</p>
      <Field label="Search">
        {(names) => (
          <input
            {...names}
            data-first
            type="search"
            autocomplete="off"
            value={text.value}
            onInput={({ currentTarget }) => (text.value = currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter') event.preventDefault(); // it would send what is written behind
            }}
          />
        )}
      </Field>
      <Trouble problem={problem.value} />
      <ul class="speakers">
        {choices.map((each) => (
          <li key={each.id}>
            <button type="button" aria-pressed={each.id === speaker.value.id} onClick={() => choose(each)}>
              <Avatar name={each.name} id={each.id} />
              {each.name}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

async function find(text: string, signal: AbortSignal): Promise<readonly User[]> {
  const filter = [filterOf({ text, type: undefined }), 'type != DISABLED AND type != GUEST']
    .filter(Boolean)
    .join(' AND ');
  const found = await call<ListUsersResponseJson>(
    'GET',
    `v1/users${query({ filter, pageSize: 20, orderBy: 'name' })}`,
    {
      signal,
    },
  );
  return (found.users ?? []).map(wholeUser);
}
