import { user } from '@rollcall/proto';
import { createUser } from '../create-user.ts';
import type { UsersStore } from '../store/users.store.ts';
import type { SignInConfig } from './sign-in-environment.ts';
import type { SignIn } from './sign-in.ts';

/** Who is made when nobody is there to make anybody. */
export function firstAdministrator(email: string): user.User {
  return {
    id: '0',
    name: 'Administrator',
    email,
    type: user.UserType.USER_TYPE_ADMINISTRATOR,
    createTime: null,
    updateTime: null,
    deleteTime: null,
    purgeTime: null,
    etag: '',
  };
}

/**
 * Sees to it that somebody can get in: a directory without an administrator is given one.
 *
 * @returns a link to sign in by, when links do and no administrator is signed in
 */
export async function letFirstAdministratorIn(
  store: UsersStore,
  signIn: SignIn,
  { links, firstAdministratorEmail }: SignInConfig,
): Promise<string | undefined> {
  const create = async (): Promise<bigint> => {
    // Replicas that start together make one.
    const made = await store.write(createUser(firstAdministrator(firstAdministratorEmail), 'first-administrator'));
    return BigInt(made.id);
  };
  if (links) return signIn.firstLink(create);
  if (firstAdministratorEmail !== '' && (await store.credentials.administrators(1)).length === 0) await create();
  return undefined;
}
