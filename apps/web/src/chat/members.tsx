import type { MemberJson } from '@rollcall/proto/json';
import { Avatar } from '../parts/avatar.tsx';
import { Icon } from '../parts/icon.tsx';
import { Time } from '../parts/time.tsx';

interface MembersProps {
  readonly members: ReadonlyMap<string, MemberJson>;
  /** Whether they were asked for, where there is no space for them beside the notes. */
  readonly open: boolean;
  readonly onClose: () => void;
}

/** Who is in the room, and who was. */
export function Members({ members, open, onClose }: MembersProps) {
  const all = [...members.values()].toSorted((a, b) => (a.name ?? '').localeCompare(b.name ?? ''));
  const here = all.filter(({ present }) => present);
  const gone = all
    .filter(({ present }) => !present)
    .toSorted((a, b) => (b.lastSeenTime ?? '').localeCompare(a.lastSeenTime ?? ''));
  return (
    <aside
      class={`members-pane ${open ? 'open' : ''}`}
      aria-label="Who is here"
      onKeyDown={({ key }) => key === 'Escape' && onClose()}
    >
      <div class="pane-head">
        <h2>Here</h2>
        <button type="button" class="icon" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {here.length === 0 && <p class="hint">Nobody by name.</p>}
      <ul>
        {here.map(({ userId = '0', name = '' }) => (
          <li key={userId}>
            <Avatar name={name} id={userId} />
            <span class="member-name">{name}</span>
            <span class="here" aria-hidden="true" />
          </li>
        ))}
      </ul>
      {gone.length > 0 && (
        <>
          <h3>Was here</h3>
          <ul class="gone">
            {gone.map(({ userId = '0', name = '', lastSeenTime }) => (
              <li key={userId}>
                <Avatar name={name} id={userId} />
                <span class="member-name">
                  {name}
                  <small>
                    <Time at={lastSeenTime} form="recent" />
                  </small>
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </aside>
  );
}
