import { currentCaller } from '@rollcall/access';
import { user, type userService } from '@rollcall/proto';
import type { Observable } from 'rxjs';
import { createUser } from './create-user.ts';
import { deleteUser, undeleteUser } from './delete-user.ts';
import { exportUsers } from './export-users.ts';
import { importUsers } from './import/import-users.ts';
import { listUsers } from './list-users.ts';
import { currentOrigin } from '../store/audit/entry.ts';
import type { UsersStore } from '../store/users.store.ts';
import { updateUser } from './update-user.ts';
import { userNotFound } from './errors.ts';
import { watchUsers } from './watch-users.ts';

export interface UsersOptions {
  /** How long a deleted user can be brought back, in milliseconds. */
  readonly keepDeletedMs: number;
  /** Whether an issuer says by the email address who signs in. Users do not change their own then. */
  readonly addressesSignIn: boolean;
}

const { UserType } = user;

/** What the directory does. Requests have passed the checks of the contract. */
export class Users {
  readonly #store: UsersStore;
  readonly #options: UsersOptions;

  constructor(store: UsersStore, options: UsersOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Creates a user. @throws RpcError USER_ID_TAKEN, EMAIL_TAKEN or REQUEST_ID_REUSED */
  async create({ user: sent, requestId }: userService.CreateUserRequest): Promise<user.User> {
    if (sent === null) throw new Error('the contract requires the user');
    return this.#store.write(createUser(sent, requestId, currentOrigin().callerId));
  }

  /** Changes a user. @throws RpcError INVALID_FIELD, USER_NOT_FOUND, ETAG_MISMATCH, NOT_PERMITTED or EMAIL_TAKEN */
  update(request: userService.UpdateUserRequest): Promise<user.User> {
    const isAdministrator = currentCaller()?.type === UserType.USER_TYPE_ADMINISTRATOR;
    const write = updateUser(request, this.#options.addressesSignIn && !isAdministrator);
    return this.#store.audit.noting(() => this.#store.write(write));
  }

  /** Deletes a user. @throws RpcError USER_NOT_FOUND or ETAG_MISMATCH */
  async delete(request: userService.DeleteUserRequest): Promise<user.User> {
    return this.#store.write(deleteUser(request, this.#options.keepDeletedMs));
  }

  /** Brings a deleted user back. @throws RpcError USER_NOT_FOUND, USER_NOT_DELETED, ETAG_MISMATCH or EMAIL_TAKEN */
  async undelete(request: userService.UndeleteUserRequest): Promise<user.User> {
    return this.#store.write(undeleteUser(request));
  }

  /** The user with this id, also a deleted one. @throws RpcError USER_NOT_FOUND */
  async get(id: string): Promise<user.User> {
    const found = (await this.#store.find([id])).get(id);
    if (found === undefined) throw userNotFound(`the id ${id}`);
    return found;
  }

  /** The same as an answer. @throws RpcError USER_NOT_FOUND */
  async getAnswer(id: string): Promise<userService.GetUserResponse> {
    const found = await this.#store.findOne(id);
    if (found === undefined) throw userNotFound(`the id ${id}`);
    return found;
  }

  /** A page of users. @throws RpcError INVALID_FIELD */
  list(request: userService.ListUsersRequest): Promise<userService.ListUsersResponse> {
    return listUsers(this.#store, request);
  }

  /** The users with these ids, also deleted ones, and the ids that no user has; each once, in the order of the ids. */
  async batchGet(ids: readonly string[]): Promise<userService.BatchGetUsersResponse> {
    const results = await this.lookUp([...new Set(ids)]);
    return {
      users: results.flatMap(({ user: found }) => found ?? []),
      missingIds: results.flatMap(({ id, found }) => (found ? [] : id)),
    };
  }

  /** An answer for each id, in their order. A deleted user is found. */
  async lookUp(ids: readonly string[]): Promise<userService.LookupResult[]> {
    const users = await this.#store.find(ids);
    return ids.map((id) => ({ id, found: users.has(id), user: users.get(id) ?? null }));
  }

  /** How many of the ids live users have. An id that is there twice counts twice. */
  async countExisting(ids: readonly string[]): Promise<number> {
    const live = await this.#store.findLiveIds(ids);
    return ids.filter((id) => live.has(id)).length;
  }

  /** The live users, by id. @throws RpcError INVALID_FIELD */
  export(request: userService.ExportUsersRequest): AsyncGenerator<userService.ExportUsersResponse> {
    return exportUsers(this.#store, request);
  }

  /** Creates or updates a user for each row, and tells what became of it. */
  import(
    rows: Observable<userService.ImportUsersRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<userService.ImportResult[]> {
    return importUsers(this.#store, rows, signal, currentOrigin().callerId);
  }

  /** What happens in the directory. @throws RpcError INVALID_FIELD or RESUME_TOKEN_GONE */
  watch(request: userService.WatchUsersRequest, signal: AbortSignal): AsyncGenerator<userService.WatchEvent[]> {
    return watchUsers(this.#store, request, signal);
  }

  /** The live user with this address or, when that is empty, the first with this name. @throws RpcError USER_NOT_FOUND */
  async getByEmailOrName(email: string, name: string): Promise<user.User> {
    const found = await (email === '' ? this.#store.findByName(name) : this.#store.findByEmail(email));
    if (found === undefined) throw userNotFound(email === '' ? 'this name' : 'this email address');
    return found;
  }
}
