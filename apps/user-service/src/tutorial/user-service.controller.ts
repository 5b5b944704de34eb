import { GrpcController, invalidFields } from '@rollcall/grpc';
import { type tutorialUserService, tutorialUserServiceContract, user } from '@rollcall/proto';
import { checkedCreateUser } from '../users/checks.ts';
import { Users } from '../users/users.ts';

/** The published tutorial's `UserService`, over the same directory. */
@GrpcController(tutorialUserServiceContract, 'UserService')
export class TutorialUserServiceController implements tutorialUserService.UserServiceController {
  readonly #users: Users;

  constructor(users: Users) {
    this.#users = users;
  }

  async getUser({ user: asked }: tutorialUserService.UserRequest): Promise<tutorialUserService.UserResponse> {
    const { email, name } = asked ?? { email: '', name: '' };
    if (email === '' && name === '') {
      throw invalidFields([
        { field: 'user', description: 'an email address or a name is required', reason: 'required' },
      ]);
    }
    return { user: toTutorial(await this.#users.getByEmailOrName(email, name)) };
  }

  async createUser({
    user: sent,
  }: tutorialUserService.CreateUserRequest): Promise<tutorialUserService.CreateUserResponse> {
    return {
      user: toTutorial(await this.#users.create(checkedCreateUser({ user: sent && toUser(sent), requestId: '' }))),
    };
  }
}

/** This contract cannot tell an age of 0 from one that is not known. */
function toTutorial({ name, email, age }: user.User): tutorialUserService.User {
  return { name, email, age: age ?? 0 };
}

function toUser({ name, email, age }: tutorialUserService.User): user.User {
  return {
    id: '0',
    name,
    email,
    age: age === 0 ? null : age,
    type: user.UserType.USER_TYPE_UNSPECIFIED,
    createTime: null,
    updateTime: null,
    deleteTime: null,
    purgeTime: null,
    etag: '',
  };
}
