import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { type Problem, problemIn } from '../calls/problem.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Time } from '../parts/time.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { caller, callerId, may, mayOn } from '../shell/caller.ts';
import { createUser, deleteUser, differences, fieldsOf, undeleteUser, updateUser } from './changes.ts';
import { Conflict } from './conflict.tsx';
import { getUser } from './directory.ts';
import { Invitation } from './invitation.tsx';
import { type Choices, type Fields, merged } from './merge.ts';
import { isAtFields, UserForm } from './user-form.tsx';
import { typeName, type User } from './user.ts';

const empty: Fields = { name: '', email: '', age: null, type: 'USER_TYPE_NORMAL' };

/** A user to look at, and to change by who may; without one, a user to add. */
export function UserDialog({ user, onClose }: { readonly user: User | undefined; readonly onClose: () => void }) {
  const title = user === undefined ? 'Add a user' : user.name;
  const editable =
    user === undefined || (user.deleteTime === undefined && mayOn('user.v1.UserService.UpdateUser', user.id));
  return (
    <Dialog title={title} onClose={onClose}>
      {editable ? <Edit user={user} onClose={onClose} /> : <Details user={user} />}
      {user !== undefined && <Facts user={user} />}
      {user !== undefined && <Actions user={user} onClose={onClose} />}
    </Dialog>
  );
}

function Edit({ user, onClose }: { readonly user: User | undefined; readonly onClose: () => void }) {
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

function Details({ user }: { readonly user: User }) {
  return (
    <dl class="facts">
      <dt>Email</dt>
      <dd>{user.email || 'not known'}</dd>
      <dt>Age</dt>
      <dd>{user.age ?? 'not known'}</dd>
      <dt>Type</dt>
      <dd>{typeName(user.type)}</dd>
    </dl>
  );
}

function Facts({ user }: { readonly user: User }) {
  return (
    <dl class="facts small">
      <dt>Number</dt>
      <dd>{user.id}</dd>
      <dt>Added</dt>
      <dd>
        <Time at={user.createTime} />
      </dd>
      <dt>Changed</dt>
      <dd>
        <Time at={user.updateTime} />
      </dd>
      {user.deleteTime !== undefined && (
        <>
          <dt>Deleted</dt>
          <dd>
            <Time at={user.deleteTime} />, gone for good on <Time at={user.purgeTime} />
          </dd>
        </>
      )}
    </dl>
  );
}

function Actions({ user, onClose }: { readonly user: User; readonly onClose: () => void }) {
  const problem = useSignal<Problem | undefined>(undefined);
  const deleted = user.deleteTime !== undefined;
  const remove = async (): Promise<void> => {
    try {
      await deleteUser(user);
      onClose();
    } catch (error) {
      problem.value = problemIn(error);
    }
  };
  return (
    <div class="actions">
      {!deleted && caller.value?.localSignIn === true && may('access.v1.AccessService.CreateInvitation') && (
        <Invitation user={user} />
      )}
      {!deleted && may('user.v1.UserService.DeleteUser') && (
        <button type="button" class="danger" onClick={() => void remove()}>
          <Icon name="trash" />
          Delete
        </button>
      )}
      {deleted && may('user.v1.UserService.UndeleteUser') && (
        <button type="button" onClick={() => void undeleteUser(user).then(onClose)}>
          <Icon name="restore" />
          Bring back
        </button>
      )}
      <Trouble problem={problem.value} />
    </div>
  );
}
