import { status } from '@grpc/grpc-js';
import { Controller } from '@nestjs/common';
import { GrpcMethod, RpcException } from '@nestjs/microservices';
import { type Timestamp, user, type userService } from '@rollcall/proto';
import { etagOf, PlainUsers, type UserRow } from '../gateway/plain-users.ts';

@Controller()
export class UserController {
  constructor(private readonly users: PlainUsers) {}

  @GrpcMethod('UserService', 'GetUser')
  getUser({ id }: userService.GetUserRequest): userService.GetUserResponse {
    const row = this.users.get(BigInt(id));
    if (row === undefined) throw new RpcException({ code: status.NOT_FOUND, message: 'There is no such user.' });
    return { user: userMessage(row) };
  }

  @GrpcMethod('UserService', 'CreateUser')
  createUser({ user: sent }: userService.CreateUserRequest): userService.CreateUserResponse {
    if (sent === null) throw new RpcException({ code: status.INVALID_ARGUMENT, message: 'There is no user in it.' });
    const row = this.users.create({
      id: BigInt(sent.id),
      name: sent.name,
      email: sent.email,
      age: BigInt(sent.age ?? -1),
      type: BigInt(sent.type || user.UserType.USER_TYPE_NORMAL),
    });
    if (row === undefined)
      throw new RpcException({ code: status.ALREADY_EXISTS, message: 'The id or the email address is taken.' });
    return { user: userMessage(row) };
  }
}

function userMessage(row: UserRow): user.User {
  return {
    id: String(row.id),
    name: row.name,
    email: row.email,
    age: row.age < 0n ? undefined : Number(row.age),
    type: Number(row.type),
    createTime: timestamp(row.create_time_ms),
    updateTime: timestamp(row.update_time_ms),
    deleteTime: row.delete_time_ms === 0n ? null : timestamp(row.delete_time_ms),
    purgeTime: row.purge_time_ms === 0n ? null : timestamp(row.purge_time_ms),
    etag: etagOf(row),
  };
}

function timestamp(ms: bigint): Timestamp {
  return { seconds: String(ms / 1000n), nanos: Number(ms % 1000n) * 1_000_000 };
}
