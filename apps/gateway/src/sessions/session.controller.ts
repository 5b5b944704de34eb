import { Controller, Delete, Inject, Post, Req, Res } from '@nestjs/common';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { bodyForm, callOptions, readBody } from '@rollcall/transcoder';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { agentOf } from './agent.ts';
import { CallChecks } from './call-checks.ts';
import { Clients } from '../http/clients.ts';
import { OriginCheck } from './origin-check.ts';
import { forgetSession, keepSession, sessionOf } from './cookie.ts';
import { Sessions } from './sessions.ts';

const bodyLimits = { maxBodyBytes: 4096, bodyTimeoutMs: 10_000 };

/** Keeps the session of a browser in a cookie, which no script of a page can read. */
@Controller('session')
export class SessionController {
  @Inject(Sessions) readonly sessions!: Sessions;
  @Inject(Clients) readonly clients!: Clients;
  @Inject(CallChecks) readonly checks!: CallChecks | undefined;
  @Inject(OriginCheck) readonly origins!: OriginCheck;

  /** Signs in by the secret of a link: `{"secret": "…"}`. The session of the cookie that comes with it ends. */
  @Post()
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.origins.checkSignIn(request.raw);
    bodyForm(request.headers['content-type'] ?? 'nothing', false); // no form of another site can send JSON
    await this.checks?.check(request, this.sessions.creates);
    const link = secretIn(await readBody(request.raw, bodyLimits));
    const { authorization, 'user-agent': userAgent } = request.headers;
    const secure = this.clients.isSecure(request.raw);
    const begun = { agent: agentOf(userAgent), replacedSecret: sessionOf(request.raw, secure) ?? '' };
    const options = callOptions(request, {
      ...this.#from(request),
      ...(authorization !== undefined && { authorization }),
    });
    const { secret, expireTime, user } = await this.sessions.create(link, begun, options);
    if (typeof secret !== 'string' || typeof expireTime !== 'string')
      throw new Error('the session has no secret or no end');
    const cookie = keepSession(secret, Date.parse(expireTime), secure);
    void reply.header('set-cookie', cookie).send({ user, expireTime });
  }

  /** Signs out. The cookie is gone in any case. */
  @Delete()
  async delete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const secure = this.clients.isSecure(request.raw);
    reply.header('set-cookie', forgetSession(secure));
    const session = sessionOf(request.raw, secure);
    if (session !== undefined) {
      const options = callOptions(request, { ...this.#from(request), authorization: `Bearer ${session}` });
      await this.sessions.delete(options).catch((error: unknown) => {
        if (!isOver(error)) throw error;
      });
    }
    void reply.status(204).send();
  }

  #from(request: FastifyRequest): Record<string, string> {
    return { 'x-forwarded-for': this.clients.address(request.raw) };
  }
}

/** Whether there is no session to end: it has expired, was revoked, or its user may do nothing any more. */
function isOver(error: unknown): boolean {
  return (
    error instanceof RpcError && (error.code === Status.UNAUTHENTICATED || error.code === Status.PERMISSION_DENIED)
  );
}

/** What stands in the body is a secret, and no error repeats it. */
function secretIn(body: Uint8Array | undefined): string {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body ?? []).toString());
  } catch {
    json = undefined; // it is refused with the rest
  }
  if (typeof json === 'object' && json !== null && Object.keys(json).join() === 'secret' && 'secret' in json) {
    if (typeof json.secret === 'string') return json.secret;
  }
  throw new RpcError(
    Status.INVALID_ARGUMENT,
    'MALFORMED_REQUEST',
    'The body must be {"secret": "…"} and nothing else.',
  );
}
