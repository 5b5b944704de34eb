import { Logger } from '@nestjs/common';
import { user, userService } from '@rollcall/proto';
import { createUser } from '../users/create-user.ts';
import { emailKey } from '../query/text-keys.ts';
import { changedRow, storedFields } from '../store/users/rows.ts';
import type { Write } from '../store/changes/write-queue.ts';
import type { UsersStore } from '../store/users.store.ts';
import { firstAdministrator, type SignInConfig } from './environment.ts';
import type { SignIn } from './sign-in.ts';

const logger = new Logger('sign-in');

/**
 * Creates the first administrator. Whoever has the address and is none gives it up: the configuration says whose it is,
 * and anybody could have entered it as their own. What they sign in by must not become the administrator's.
 */
function createFirst(email: string): Write<user.User> {
  // Replicas that start together make one, for they send the same request.
  const { touched, apply } = createUser(firstAdministrator(email), 'first-administrator');
  return {
    touched,
    apply: (view) => {
      const holder = view.liveByEmail(emailKey(email));
      if (holder !== undefined && storedFields(holder).type !== user.UserType.USER_TYPE_ADMINISTRATOR) {
        logger.warn(`the user ${holder.id} had the address of FIRST_ADMINISTRATOR_EMAIL, and has none now`);
        view.put(
          changedRow(holder, { email: '', email_key: '' }, view.nowMs),
          userService.WatchEvent_Kind.KIND_UPDATED,
        );
      }
      return apply(view);
    },
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
  const create = async (): Promise<bigint> => BigInt((await store.write(createFirst(firstAdministratorEmail))).id);
  if (links) return signIn.firstLink(create);
  if (firstAdministratorEmail !== '' && (await store.credentials.administrators(1)).length === 0) await create();
  return undefined;
}
