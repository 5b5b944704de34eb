import { toBatches, GrpcController, fromIterable, RpcError } from '@rollcall/grpc';
import { tutorialUserManager, tutorialUserManagerContract, user } from '@rollcall/proto';
import type { Observable } from 'rxjs';
import { checkedCreateUser } from '../users/checks.ts';
import { Users } from '../users/users.ts';

const maxUint32 = 0xffff_ffff;

/** How many ids are looked up at a time. */
const maxIds = 500;

/** The published tutorial's `UserManager`, over the same directory. It tells of failures in its answers, not by status. */
@GrpcController(tutorialUserManagerContract, 'UserManager')
export class TutorialUserManagerController implements tutorialUserManager.UserManagerController {
  readonly #users: Users;

  constructor(users: Users) {
    this.#users = users;
  }

  async getUser({ id }: tutorialUserManager.UserRequest): Promise<tutorialUserManager.UserResponse> {
    const [found] = await findLive(this.#users, [{ id }]);
    return found ?? failed('not found');
  }

  async addUser(added: tutorialUserManager.User): Promise<tutorialUserManager.UserResponse> {
    try {
      return answer(await this.#users.create(checkedCreateUser({ user: toUser(added), requestId: '' })));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.reason === 'USER_ID_TAKEN') return failed('already exist');
      if (error.reason === 'EMAIL_TAKEN') return failed('mail address already in use');
      if (error.reason === 'INVALID_FIELD') return failed(error.message);
      throw error;
    }
  }

  async countAlreadyUsers(
    requests: Observable<tutorialUserManager.UserRequest>,
  ): Promise<tutorialUserManager.UserCntResponse> {
    let userCnt = 0;
    for await (const batch of toBatches(requests, maxIds)) {
      userCnt += await this.#users.countExisting(batch.map(({ id }) => String(id)));
    }
    return { error: false, userCnt };
  }

  getUsersByType({ userType }: tutorialUserManager.UserTypeRequest): Observable<tutorialUserManager.UserResponse> {
    return fromIterable(() => ofType(this.#users, userType));
  }

  getUsersByIds(requests: Observable<tutorialUserManager.UserRequest>): Observable<tutorialUserManager.UserResponse> {
    return fromIterable(() => byIds(this.#users, requests));
  }
}

async function* ofType(
  users: Users,
  type: tutorialUserManager.UserTypeRequest_UserType,
): AsyncGenerator<tutorialUserManager.UserResponse> {
  if (type === tutorialUserManager.UserTypeRequest_UserType.NONE) return; // every user has a type
  for await (const { users: page } of users.export({ types: [sameType(type)], afterId: '0', filter: '' })) {
    for (const found of page) {
      if (Number(found.id) > maxUint32) return; // this contract cannot name the user, nor those that follow
      yield answer(found);
    }
  }
}

async function* byIds(
  users: Users,
  requests: Observable<tutorialUserManager.UserRequest>,
): AsyncGenerator<tutorialUserManager.UserResponse> {
  for await (const batch of toBatches(requests, maxIds)) yield* await findLive(users, batch);
}

/** The users with these ids, in their order. The contract knows no deleted users. */
async function findLive(
  users: Users,
  requests: readonly tutorialUserManager.UserRequest[],
): Promise<tutorialUserManager.UserResponse[]> {
  const results = await users.lookUp(requests.map(({ id }) => String(id)));
  return results.flatMap(({ user: found }) => (found === null || found.deleteTime !== null ? [] : answer(found)));
}

function answer(found: user.User): tutorialUserManager.UserResponse {
  const { id, name, email, type } = found;
  const shown = { id: Number(id), nickname: name, mailAddress: email, userType: sameType(type) };
  return { error: false, message: '', user: shown };
}

/** The types have the same numbers in both contracts. */
function sameType(
  type: user.UserType | tutorialUserManager.User_UserType | tutorialUserManager.UserTypeRequest_UserType,
): number {
  return type;
}

function failed(message: string): tutorialUserManager.UserResponse {
  return { error: true, message, user: null };
}

function toUser({ id, nickname, mailAddress, userType }: tutorialUserManager.User): user.User {
  return {
    id: String(id),
    name: nickname,
    email: mailAddress,
    type: sameType(userType),
    createTime: null,
    updateTime: null,
    deleteTime: null,
    purgeTime: null,
    etag: '',
  };
}
