import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type CallContext, GrpcController, GrpcServer, RpcError } from '@rollcall/grpc';
import { type access, type callers, rollcallContract, user } from '@rollcall/proto';

const service = 'rollcall.access.v1.AccessService';

/** What came with the calls, the latest last. */
export const calls: { method: string; authorization: unknown[]; address: unknown[] }[] = [];

/** What the latest session was begun with. */
export const begun: access.CreateSessionRequest[] = [];

/** Which calls were asked about, and by whom. */
export const checks: { method: string; authorization: unknown; address: unknown }[] = [];

/** What those are answered who send `Bearer denied`. */
export const denial = new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', 'You may not.');

/** The session that the link "good" signs in to, until it is deleted. */
export const sessionSecret = 'rcs_canary-session-secret';

const ada: user.User = {
  id: '7',
  name: 'Ada',
  email: 'ada@example.com',
  age: undefined,
  type: user.UserType.USER_TYPE_NORMAL,
  createTime: null,
  updateTime: null,
  deleteTime: null,
  purgeTime: null,
  etag: 'v1',
};

/** An AccessService of few words: the link "good" works, and the session, as long as it is sent along. */
@GrpcController(rollcallContract, service)
class AccessController implements access.AccessServiceController {
  getCaller(_: access.GetCallerRequest, context: CallContext): access.GetCallerResponse {
    const [authorization] = remember(context);
    return {
      user: authorization === `Bearer ${sessionSecret}` ? ada : null,
      protectedMode: authorization === 'Bearer protected',
      localSignIn: true,
      oidcIssuer: '',
      expireTime: null,
      permittedMethods: [],
      ownRecordMethods: [],
    };
  }
  createSession(request: access.CreateSessionRequest, context: CallContext): access.CreateSessionResponse {
    remember(context);
    const { secret } = request;
    begun.splice(0, 1, request);
    if (secret === 'off') throw new RpcError(Status.FAILED_PRECONDITION, 'LOCAL_SIGN_IN_OFF', 'Local sign-in is off.');
    if (secret !== 'good') throw new RpcError(Status.UNAUTHENTICATED, 'LINK_INVALID', 'The link does not work.');
    const seconds = String(Math.floor(Date.now() / 1000) + 3601);
    return { secret: sessionSecret, expireTime: { seconds, nanos: 0 }, user: ada };
  }
  deleteSession(_: access.DeleteSessionRequest, context: CallContext): access.DeleteSessionResponse {
    const [authorization] = remember(context);
    if (authorization === 'Bearer broken') throw new RpcError(Status.UNAVAILABLE, 'DATABASE_UNAVAILABLE', 'Later.');
    if (authorization !== `Bearer ${sessionSecret}`)
      throw new RpcError(Status.UNAUTHENTICATED, 'CREDENTIAL_INVALID', 'Sign in again.');
    return {};
  }
  createTicket(_: access.CreateTicketRequest, context: CallContext): access.CreateTicketResponse {
    remember(context);
    return { ticket: 'rct_ticket', expireTime: null };
  }
  createInvitation(): access.CreateInvitationResponse {
    throw new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', 'No.');
  }
  createToken(): access.CreateTokenResponse {
    throw new RpcError(Status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 'Wait.', { retryDelayMs: 2001 });
  }
  listTokens(): access.ListTokensResponse {
    return { tokens: [] };
  }
  listSessions(): access.ListSessionsResponse {
    return { sessions: [] };
  }
  revokeSession(): access.RevokeSessionResponse {
    return {};
  }
  deleteToken(): access.DeleteTokenResponse {
    return {};
  }
  revokeCredentials(): access.RevokeCredentialsResponse {
    return { revokedCount: 0 };
  }
}

function remember({ method, metadata }: CallContext): unknown[] {
  const authorization = metadata.get('authorization');
  calls.push({ method: method.name, authorization, address: metadata.get('x-forwarded-for') });
  return authorization;
}

@GrpcController(rollcallContract, 'rollcall.access.v1.CallerService')
class CallerController implements callers.CallerServiceController {
  checkCall({ method }: callers.CheckCallRequest, { metadata }: CallContext): callers.CheckCallResponse {
    const [authorization] = metadata.get('authorization');
    checks.push({ method, authorization, address: metadata.get('x-forwarded-for')[0] });
    if (authorization === 'Bearer denied') throw denial;
    return {};
  }
  lookUpCallers(): never {
    throw new Error('a gateway does not ask');
  }
  redeemTicket(): never {
    throw new Error('a gateway does not ask');
  }
  reportDenials(): never {
    throw new Error('a gateway does not ask');
  }
  reportWrite(): never {
    throw new Error('a gateway does not ask');
  }
}

@Module({ controllers: [AccessController, CallerController] })
class AccessModule {}

/** Starts the service on a unix socket. */
export async function startAccess() {
  const folder = mkdtempSync(join(tmpdir(), 'access-'));
  const target = `unix://${folder}/access.sock`;
  const serve = [{ contract: rollcallContract, services: [service, 'rollcall.access.v1.CallerService'] }];
  const strategy = new GrpcServer({ errorDomain: 'rollcall', listen: target, serve, drainMs: 200 });
  const app = await NestFactory.createMicroservice(AccessModule, { strategy, logger: false });
  await app.listen();
  return {
    target,
    async [Symbol.asyncDispose]() {
      await app.close();
      rmSync(folder, { recursive: true });
    },
  };
}
