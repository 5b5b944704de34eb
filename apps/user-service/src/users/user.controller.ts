import { toBatches, GrpcController, fromIterable } from '@rollcall/grpc';
import { rollcallContract, type userService } from '@rollcall/proto';
import type { Observable } from 'rxjs';
import { Users } from './users.ts';

/** How many users, answers, results or events a streamed message holds at the most. */
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

  getUser({ id }: userService.GetUserRequest): Promise<userService.GetUserResponse> {
    return this.#users.getAnswer(id);
  }

  listUsers(request: userService.ListUsersRequest): Promise<userService.ListUsersResponse> {
    return this.#users.list(request);
  }

  async updateUser(request: userService.UpdateUserRequest): Promise<userService.UpdateUserResponse> {
    return { user: await this.#users.update(request) };
  }

  async deleteUser(request: userService.DeleteUserRequest): Promise<userService.DeleteUserResponse> {
    return { user: await this.#users.delete(request) };
  }

  async undeleteUser(request: userService.UndeleteUserRequest): Promise<userService.UndeleteUserResponse> {
    return { user: await this.#users.undelete(request) };
  }

  batchGetUsers({ ids }: userService.BatchGetUsersRequest): Promise<userService.BatchGetUsersResponse> {
    return this.#users.batchGet(ids);
  }

  async countExistingUsers(
    requests: Observable<userService.CountExistingUsersRequest>,
  ): Promise<userService.CountExistingUsersResponse> {
    let existing = 0;
    let requested = 0;
    for await (const batch of toBatches(requests, maxCounted)) {
      existing += await this.#users.countExisting(batch.map(({ id }) => id));
      requested += batch.length;
    }
    return { existingCount: String(existing), requestedCount: String(requested) };
  }

  exportUsers(request: userService.ExportUsersRequest): Observable<userService.ExportUsersResponse> {
    return fromIterable(() => this.#users.export(request));
  }

  lookupUsers(requests: Observable<userService.LookupUsersRequest>): Observable<userService.LookupUsersResponse> {
    return fromIterable(() => lookedUp(this.#users, requests));
  }

  importUsers(requests: Observable<userService.ImportUsersRequest>): Observable<userService.ImportUsersResponse> {
    return fromIterable((signal) => imported(this.#users.import(requests, signal)));
  }

  watchUsers(request: userService.WatchUsersRequest): Observable<userService.WatchUsersResponse> {
    return fromIterable((signal) => watched(this.#users.watch(request, signal)));
  }
}

/** Questions that arrive together share an answer; none waits for another. */
async function* lookedUp(
  users: Users,
  questions: Observable<userService.LookupUsersRequest>,
): AsyncGenerator<userService.LookupUsersResponse> {
  for await (const batch of toBatches(questions, maxItems))
    yield { results: await users.lookUp(batch.map(({ id }) => id)) };
}

async function* imported(
  batchesOfResults: ReturnType<Users['import']>,
): AsyncGenerator<userService.ImportUsersResponse> {
  for await (const results of batchesOfResults) for (const some of parts(results)) yield { results: some };
}

async function* watched(groups: ReturnType<Users['watch']>): AsyncGenerator<userService.WatchUsersResponse> {
  for await (const events of groups) for (const some of parts(events)) yield { events: some };
}

function* parts<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += maxItems) yield items.slice(start, start + maxItems);
}
