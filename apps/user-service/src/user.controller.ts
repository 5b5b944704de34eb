import { batches, GrpcController, pulled } from '@rollcall/grpc';
import { rollcallContract, type userService } from '@rollcall/proto';
import type { Observable } from 'rxjs';
import { notOffered } from './user-errors.ts';
import { Users } from './users.ts';

/** How many users or answers a streamed message holds at the most. */
const maxItems = 50;

/** How many ids are counted at a time. */
const maxCounted = 500;

@GrpcController(rollcallContract, 'rollcall.user.v1.UserService')
export class UserController implements userService.UserServiceController {
  readonly #users: Users;

  constructor(users: Users) {
    this.#users = users;
  }

  async createUser(request: userService.CreateUserRequest): Promise<userService.CreateUserResponse> {
    return { user: await this.#users.create(request) };
  }

  async getUser({ id }: userService.GetUserRequest): Promise<userService.GetUserResponse> {
    return { user: await this.#users.get(id) };
  }

  batchGetUsers({ ids }: userService.BatchGetUsersRequest): Promise<userService.BatchGetUsersResponse> {
    return this.#users.batchGet(ids);
  }

  async countExistingUsers(
    requests: Observable<userService.CountExistingUsersRequest>,
  ): Promise<userService.CountExistingUsersResponse> {
    let existing = 0;
    let requested = 0;
    for await (const batch of batches(requests, maxCounted)) {
      existing += await this.#users.countExisting(batch.map(({ id }) => id));
      requested += batch.length;
    }
    return { existingCount: String(existing), requestedCount: String(requested) };
  }

  exportUsers(request: userService.ExportUsersRequest): Observable<userService.ExportUsersResponse> {
    return pulled(() => exported(this.#users.export(request)));
  }

  lookupUsers(requests: Observable<userService.LookupUsersRequest>): Observable<userService.LookupUsersResponse> {
    return pulled(() => lookedUp(this.#users, requests));
  }

  listUsers(): never {
    throw notOffered('ListUsers');
  }

  updateUser(): never {
    throw notOffered('UpdateUser');
  }

  deleteUser(): never {
    throw notOffered('DeleteUser');
  }

  undeleteUser(): never {
    throw notOffered('UndeleteUser');
  }

  importUsers(): never {
    throw notOffered('ImportUsers');
  }

  watchUsers(): never {
    throw notOffered('WatchUsers');
  }
}

async function* exported(pages: ReturnType<Users['export']>): AsyncGenerator<userService.ExportUsersResponse> {
  for await (const page of pages) {
    for (let start = 0; start < page.length; start += maxItems) {
      yield { users: page.slice(start, start + maxItems), watchToken: '' };
    }
  }
}

/** Questions that arrive together share an answer; none waits for another. */
async function* lookedUp(
  users: Users,
  questions: Observable<userService.LookupUsersRequest>,
): AsyncGenerator<userService.LookupUsersResponse> {
  for await (const batch of batches(questions, maxItems))
    yield { results: await users.lookUp(batch.map(({ id }) => id)) };
}
