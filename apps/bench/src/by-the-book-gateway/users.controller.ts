import { status } from '@grpc/grpc-js';
import { Body, Controller, Get, HttpException, Inject, type OnModuleInit, Param, Post } from '@nestjs/common';
import type { ClientGrpc } from '@nestjs/microservices';
import { type Timestamp, user, type userService } from '@rollcall/proto';
import { catchError, map, type Observable } from 'rxjs';
import { NewUser, NewUserPipe, UserIdPipe } from './new-user.ts';

/** Under which name Nest holds the client. */
export const usersClient = 'USERS';

const httpStatuses = new Map<number, number>([
  [status.INVALID_ARGUMENT, 400],
  [status.NOT_FOUND, 404],
  [status.ALREADY_EXISTS, 409],
]);

@Controller('v1/users')
export class UsersController implements OnModuleInit {
  private users!: userService.UserServiceClient;

  constructor(@Inject(usersClient) private readonly client: ClientGrpc) {}

  onModuleInit(): void {
    this.users = this.client.getService<userService.UserServiceClient>('UserService');
  }

  @Get(':id')
  getUser(@Param('id', UserIdPipe) id: string): Observable<object> {
    return this.users.getUser({ id }).pipe(
      map(({ user: found }) => userJson(found)),
      catchError(asHttp),
    );
  }

  @Post()
  createUser(@Body(NewUserPipe) body: NewUser): Observable<object> {
    const { id = '0', name, email = '', age, type = 'USER_TYPE_NORMAL' } = body;
    const created = { id, name, email, age, type: user.UserType[type], etag: '' };
    const times = { createTime: null, updateTime: null, deleteTime: null, purgeTime: null };
    return this.users.createUser({ user: { ...created, ...times }, requestId: '' }).pipe(
      map(({ user: stored }) => userJson(stored)),
      catchError(asHttp),
    );
  }
}

function asHttp(error: { code: number; details: string }): never {
  throw new HttpException(error.details, httpStatuses.get(error.code) ?? 502);
}

function userJson(message: user.User | null): object {
  if (message === null) throw new HttpException('The service sent no user.', 502);
  return {
    id: message.id,
    name: message.name,
    email: message.email,
    age: message.age,
    type: user.UserType[message.type],
    createTime: timeJson(message.createTime),
    updateTime: timeJson(message.updateTime),
    deleteTime: timeJson(message.deleteTime),
    purgeTime: timeJson(message.purgeTime),
    etag: message.etag,
  };
}

function timeJson(time: Timestamp | null): string | undefined {
  if (time === null) return undefined;
  return new Date(Number(time.seconds) * 1000 + time.nanos / 1e6).toISOString().replace('.000Z', 'Z'); // as ProtoJSON
}
