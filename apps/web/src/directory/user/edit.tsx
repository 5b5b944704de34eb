import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { type Problem, problemIn } from '../../calls/problem.ts';
import { Trouble } from '../../parts/trouble.tsx';
import { callerId, may } from '../../shell/caller.ts';
import { createUser, differences, fieldsOf, updateUser } from '../changes.ts';
import { Conflict } from './conflict.tsx';
import { getUser } from '../directory.ts';
import { type Choices, type Fields, merged } from './merge.ts';
import { isAtFields, UserForm } from './form.tsx';
import type { User } from './user.ts';

const empty: Fields = { name: '', email: '', age: null, type: 'USER_TYPE_NORMAL' };

/** Changes a user, or adds one. */
export function Edit({ user, onClose }: { readonly user: User | undefined; readonly onClose: () => void }) {
  const before = useSignal(user);
  const fields = useSignal(user === undefined ? empty : fieldsOf(user));
  const theirs = useSignal<User | undefined>(undefined);
  const choices = useSignal<Choices>({});
  const problem = useSignal<Problem | undefined>(undefined);
  const busy = useSignal(false);
  const key = useRef(crypto.randomUUID());
  const known = before.value === undefined ? empty : fieldsOf(before.value);

  const save = async (): Promise<void> => {
    if (before.value === undefined) {
      await createUser(fields.value, key.current);
      return onClose();
    }
    const [base, wanted] =
      theirs.value === undefined
        ? [before.value, fields.value]
        : [theirs.value, merged(known, fields.value, fieldsOf(theirs.value), choices.value)];
    const changes = differences(fieldsOf(base), wanted);
    if (Object.keys(changes).length > 0) await updateUser(base.id, changes, base.etag);
    onClose();
  };
  const submit = async (): Promise<void> => {
    if (busy.value) return;
    busy.value = true;
    problem.value = undefined;
    try {
      await save();
    } catch (error) {
      const found = problemIn(error);
      if (found.reason === 'ETAG_MISMATCH' && user !== undefined)
        theirs.value = await getUser(user.id).catch(() => undefined);
      if (found.reason !== 'ETAG_MISMATCH' || theirs.value === undefined) problem.value = found;
      if (found.reason === 'REQUEST_ID_REUSED') key.current = crypto.randomUUID();
    } finally {
      busy.value = false;
    }
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {theirs.value === undefined ? (
        <UserForm
          fields={fields.value}
          onChange={(changed) => (fields.value = changed)}
          problem={problem.value}
          withType={may('user.v1.UserService.UpdateUser') && user?.id !== callerId.value}
        />
      ) : (
        <Conflict
          before={known}
          mine={fields.value}
          theirs={fieldsOf(theirs.value)}
          choices={choices.value}
          onChoose={(chosen) => (choices.value = chosen)}
        />
      )}
      <Trouble problem={isAtFields(problem.value) ? undefined : problem.value} />
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class="main" aria-disabled={busy.value}>
          {user === undefined ? 'Add' : 'Save'}
        </button>
      </div>
    </form>
  );
}
