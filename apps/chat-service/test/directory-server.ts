import { status as Status } from '@grpc/grpc-js';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type CallContext, GrpcController, GrpcServer, fromIterable, RpcError } from '@rollcall/grpc';
import { type callers, rollcallContract, user, userService } from '@rollcall/proto';
import { makeDirectory } from '@rollcall/test-servers';
import { type Observable, Subject } from 'rxjs';

const { USER_TYPE_NORMAL, USER_TYPE_ADMINISTRATOR, USER_TYPE_GUEST, USER_TYPE_DISABLED } = user.UserType;
const { KIND_UPDATED, KIND_CHECKPOINT } = userService.WatchEvent_Kind;

/** What chat-service asks user-service for, of a few users. */
export class FakeDirectory {
  readonly users = new Map<string, user.User>();
  readonly events = new Subject<userService.WatchUsersResponse>();
  readonly denials: callers.Denial[] = [];
  readonly writes: callers.ReportWriteRequest[] = [];
  /** How often users and callers were asked for. */
  asked = 0;
  /** What came as `authorization`. */
  readonly authorizations = new Set<unknown>();
  /** Credentials that stand for nobody any more. */
  readonly revoked = new Set<string>();

  constructor() {
    this.add('1', 'Ada', USER_TYPE_ADMINISTRATOR);
    this.add('2', 'Ben', USER_TYPE_NORMAL);
    this.add('3', 'Cleo', USER_TYPE_NORMAL);
    this.add('4', 'Gus', USER_TYPE_GUEST);
    this.add('5', 'Dirk', USER_TYPE_DISABLED);
  }

  add(id: string, name: string, type: user.UserType): void {
    const times = { createTime: null, updateTime: null, deleteTime: null, purgeTime: null };
    this.users.set(id, { id, name, email: '', type, etag: '', ...times });
  }

  /** Changes a user, and tells who watches. */
  change(id: string, change: Partial<user.User>): void {
    const before = this.users.get(id) ?? null;
    if (before === null) throw new Error(`there is no user ${id}`);
    const after = { ...before, ...change };
    this.users.set(id, after);
    this.events.next({ events: [{ kind: KIND_UPDATED, before, after, commitTime: null, resumeToken: 't' }] });
  }
}

/** Credentials are `token-ID`, of the user with that id. */
export function makeControllers(directory: FakeDirectory) {
  const noted = (context: CallContext): void => {
    directory.asked += 1;
    directory.authorizations.add(context.metadata.get('authorization')[0]);
  };

  @GrpcController(rollcallContract, 'rollcall.user.v1.UserService')
  class UserController {
    createUser(): never {
      throw notOffered();
    }

    getUser(): never {
      throw notOffered();
    }

    listUsers(): never {
      throw notOffered();
    }

    updateUser(): never {
      throw notOffered();
    }

    deleteUser(): never {
      throw notOffered();
    }

    undeleteUser(): never {
      throw notOffered();
    }

    countExistingUsers(): never {
      throw notOffered();
    }

    exportUsers(): never {
      throw notOffered();
    }

    lookupUsers(): never {
      throw notOffered();
    }

    importUsers(): never {
      throw notOffered();
    }

    batchGetUsers({ ids }: userService.BatchGetUsersRequest, context: CallContext): userService.BatchGetUsersResponse {
      noted(context);
      const users = ids.flatMap((id) => directory.users.get(id) ?? []);
      return { users, missingIds: ids.filter((id) => !directory.users.has(id)) };
    }

    watchUsers(_: userService.WatchUsersRequest, context: CallContext): Observable<userService.WatchUsersResponse> {
      noted(context);
      return fromIterable(async function* (signal) {
        const queue: userService.WatchUsersResponse[] = [
          { events: [{ kind: KIND_CHECKPOINT, before: null, after: null, commitTime: null, resumeToken: 't' }] },
        ];
        let wake = Promise.withResolvers<void>();
        const subscription = directory.events.subscribe((event) => {
          queue.push(event);
          wake.resolve();
        });
        signal.addEventListener('abort', () => wake.resolve());
        while (!signal.aborted) {
          for (const event of queue.splice(0)) yield event;
          await wake.promise;
          wake = Promise.withResolvers();
        }
        subscription.unsubscribe();
      });
    }
  }

  @GrpcController(rollcallContract, 'rollcall.access.v1.CallerService')
  class CallerController implements callers.CallerServiceController {
    lookUpCallers({ credentials }: callers.LookUpCallersRequest, context: CallContext): callers.LookUpCallersResponse {
      noted(context);
      return { callers: credentials.map(lookedUp) };
    }

    redeemTicket({ ticket }: callers.RedeemTicketRequest): callers.RedeemTicketResponse {
      if (ticket !== 'rck_good') throw new RpcError(Status.UNAUTHENTICATED, 'CREDENTIAL_INVALID', 'No.');
      return { credential: '#2' };
    }

    checkCall(): never {
      throw notOffered();
    }

    reportDenials({ denials }: callers.ReportDenialsRequest): callers.ReportDenialsResponse {
      directory.denials.push(...denials);
      return {};
    }

    reportWrite(write: callers.ReportWriteRequest): callers.ReportWriteResponse {
      directory.writes.push(write);
      return {};
    }
  }

  function lookedUp(credential: string): callers.LookedUpCaller {
    const userId = /^(?:token-|[#@])(\d+)$/.exec(credential)?.[1] ?? '0';
    const found = directory.users.get(userId);
    const isValid = userId !== '0' && !directory.revoked.has(credential);
    return {
      userId,
      type: found?.deleteTime === null ? found.type : user.UserType.USER_TYPE_UNSPECIFIED,
      kind: isValid ? 'token' : '',
      expireTime: null,
      invalidReason: isValid ? '' : 'it is unknown',
    };
  }

  return [UserController, CallerController];
}

/** chat-service does not call the rest. */
function notOffered(): RpcError {
  return new RpcError(Status.UNIMPLEMENTED, 'NOT_OFFERED', 'This directory does not offer it.');
}

/** Starts it on a unix socket. */
export async function startDirectory() {
  const folder = makeDirectory();
  const directory = new FakeDirectory();
  const target = `unix://${folder.path}/users.sock`;
  const start = async () => {
    @Module({ controllers: makeControllers(directory) })
    class DirectoryModule {}
    const serve = [
      { contract: rollcallContract, services: ['rollcall.user.v1.UserService', 'rollcall.access.v1.CallerService'] },
    ];
    const strategy = new GrpcServer({ errorDomain: 'rollcall', listen: target, serve, drainMs: 200 });
    const app = await NestFactory.createMicroservice(DirectoryModule, { strategy, logger: false });
    await app.listen();
    return app;
  };
  let app = await start();
  return {
    directory,
    target,
    /** It is away, until it is started again. */
    stop: () => app.close(),
    start: async () => {
      app = await start();
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      folder[Symbol.dispose]();
    },
  };
}
