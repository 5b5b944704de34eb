import { useSignal } from '@preact/signals';
import { type Problem, problemIn } from '../../calls/problem.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Time } from '../../parts/time.tsx';
import { Trouble } from '../../parts/trouble.tsx';
import { caller, may, mayOn } from '../../shell/caller.ts';
import { deleteUser, undeleteUser } from '../changes.ts';
import { Invitation } from '../invitation.tsx';
import { Edit } from './edit.tsx';
import { typeName, type User } from './user.ts';

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
