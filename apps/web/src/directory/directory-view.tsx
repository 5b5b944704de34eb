import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { problemIn, sentence } from '../calls/problem.ts';
import { ExportMenu } from '../export/export-menu.tsx';
import { ImportDialog } from '../import/import-dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { StreamMark } from '../parts/stream-mark.tsx';
import { may } from '../shell/caller.ts';
import { announce, tell } from '../shell/messages.tsx';
import { becomeAddress } from '../shell/route.ts';
import { deleteUser } from './changes.ts';
import { list, query, watch } from './directory.ts';
import { addressOf, type Query } from './query.ts';
import { UserDialog } from './user/dialog.tsx';
import { UserGrid } from './user/grid.tsx';
import { isKnownType, typeNames, type User } from './user/user.ts';

/** The directory: what to look for, what can be done, and the users. */
export function DirectoryView() {
  const opened = useSignal<User | 'new' | 'import' | undefined>(undefined);
  const close = (): void => void (opened.value = undefined);
  const remove = (user: User): void => {
    deleteUser(user).catch((error: unknown) =>
      tell(`${user.name} was not deleted. ${sentence(problemIn(error))}`, { kind: 'failed' }),
    );
  };
  const shown = list.value;
  if (shown === undefined) return null;
  const deletes = may('user.v1.UserService.DeleteUser') && query.value.type !== 'DELETED';
  return (
    <div class="directory">
      <div class="toolbar">
        <h1>Directory</h1>
        <Count />
        <StreamMark state={watch.value?.state.value} />
        <div class="buttons">
          <ExportMenu />
          {may('user.v1.UserService.ImportUsers') && (
            <button type="button" onClick={() => (opened.value = 'import')}>
              <Icon name="upload" />
              Import
            </button>
          )}
          {may('user.v1.UserService.CreateUser') && (
            <button type="button" class="main" onClick={() => (opened.value = 'new')}>
              <Icon name="add" />
              Add a user
            </button>
          )}
        </div>
      </div>
      <Search />
      <UserGrid list={shown} onOpen={(user) => (opened.value = user)} onDelete={deletes ? remove : undefined} />
      <Nothing onAdd={() => (opened.value = 'new')} />
      {opened.value === 'import' && <ImportDialog onClose={close} />}
      {opened.value !== undefined && opened.value !== 'import' && (
        <UserDialog user={opened.value === 'new' ? undefined : opened.value} onClose={close} />
      )}
    </div>
  );
}

function Search() {
  const asked = query.value;
  const become = (changed: Partial<Query>): void => becomeAddress(addressOf({ ...asked, ...changed }));
  const typed = useSignal(asked.text);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (typed.value !== query.peek().text) become({ text: typed.value });
    }, 200);
    return () => clearTimeout(timer);
  }, [typed.value]);
  return (
    <form class="search" role="search" onSubmit={(event) => event.preventDefault()}>
      <label class="unseen" for="search">
        Search by name, email or number
      </label>
      <Icon name="search" />
      <input
        id="search"
        type="search"
        placeholder="Search by name, email or number"
        autocomplete="off"
        value={typed.value}
        onInput={({ currentTarget }) => (typed.value = currentTarget.value)}
      />
      <label class="unseen" for="type">
        Which users
      </label>
      <select
        id="type"
        value={asked.type ?? ''}
        onChange={({ currentTarget: { value } }) =>
          become({ type: isKnownType(value) || value === 'DELETED' ? value : undefined })
        }
      >
        <option value="">Everyone</option>
        {Object.entries(typeNames).map(([type, label]) => (
          <option key={type} value={type}>
            {label}
          </option>
        ))}
        <option value="DELETED">Deleted</option>
      </select>
    </form>
  );
}

function Count() {
  const shown = list.value;
  void shown?.version.value;
  const count = shown?.count();
  const text = count === undefined ? '' : count === 1 ? '1 user' : `${count.toLocaleString()} users`;
  useEffect(() => {
    const timer = setTimeout(() => announce(text), 1000);
    return () => clearTimeout(timer);
  }, [shown?.query, text === '']);
  return <p class="count">{text}</p>;
}

/** What to do about an empty list. */
function Nothing({ onAdd }: { readonly onAdd: () => void }) {
  const shown = list.value;
  void shown?.version.value;
  if (shown === undefined || shown.state.value !== 'complete' || shown.users.length > 0) return null;
  const { text, type } = shown.query;
  if (text === '' && type === undefined) {
    return (
      <div class="nothing">
        <p>Nobody is here yet.</p>
        {may('user.v1.UserService.CreateUser') && (
          <button type="button" class="main" onClick={onAdd}>
            Add the first user
          </button>
        )}
      </div>
    );
  }
  const all = addressOf({ ...shown.query, text: '', type: undefined });
  return (
    <div class="nothing">
      <p>{type === 'DELETED' && text === '' ? 'Nobody is deleted.' : 'Nobody is like that.'}</p>
      <a class="button" href={all}>
        Show everyone
      </a>
    </div>
  );
}
