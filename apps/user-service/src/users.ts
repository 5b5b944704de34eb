import { user, type userService } from '@rollcall/proto';
import { emailTaken, notOffered, requestIdReused, userIdTaken, userNotFound } from './user-errors.ts';
import type { UsersStore } from './users.store.ts';

/** How many users an export reads at a time. */
const exportPageSize = 200;

/** The rules of the directory. Requests have passed the checks of the contract. */
export class Users {
  readonly #store: UsersStore;

  constructor(store: UsersStore) {
    this.#store = store;
  }

  /** Creates a user. @throws RpcError USER_ID_TAKEN, EMAIL_TAKEN or REQUEST_ID_REUSED */
  async create({ user: sent, requestId }: userService.CreateUserRequest): Promise<user.User> {
    if (sent === null) throw new Error('the contract requires the user');
    // What the service sets itself is ignored, so it does not tell two requests apart either.
    const created = {
      id: sent.id,
      name: sent.name,
      email: sent.email,
      age: sent.age,
      type: sent.type === user.UserType.USER_TYPE_UNSPECIFIED ? user.UserType.USER_TYPE_NORMAL : sent.type,
    };
    const stored = await this.#store.create(created, requestId);
    if (stored === 'id-taken') throw userIdTaken(created.id);
    if (stored === 'email-taken') throw emailTaken();
    if (stored === 'request-id-reused') throw requestIdReused();
    return stored;
  }

  /** The user with this id, also a deleted one. @throws RpcError USER_NOT_FOUND */
  async get(id: string): Promise<user.User> {
    const found = (await this.#store.find([id])).get(id);
    if (found === undefined) throw userNotFound(`the id ${id}`);
    return found;
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

  /** Pages of the live users, by id. Nothing is held between one page and the next. @throws RpcError NOT_OFFERED */
  async *export({ types, afterId, filter }: userService.ExportUsersRequest): AsyncGenerator<user.User[]> {
    if (filter !== '') throw notOffered('A filter');
    let last: string | undefined = afterId;
    while (last !== undefined) {
      const page = await this.#store.readPage({ types: [...new Set(types)], afterId: last, limit: exportPageSize });
      yield page;
      last = page.length === exportPageSize ? page.at(-1)?.id : undefined;
    }
  }

  /** The live user with this address or, when that is empty, the first with this name. @throws RpcError USER_NOT_FOUND */
  async getByEmailOrName(email: string, name: string): Promise<user.User> {
    const found = await (email === '' ? this.#store.findByName(name) : this.#store.findByEmail(email));
    if (found === undefined) throw userNotFound(email === '' ? 'this name' : 'this email address');
    return found;
  }
}
