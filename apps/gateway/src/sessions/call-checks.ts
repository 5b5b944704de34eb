import { hash } from 'node:crypto';
import { status as Status } from '@grpc/grpc-js';
import { addressKeys } from '@rollcall/access';
import { type GrpcChannel, RpcError } from '@rollcall/grpc';
import { type callers, rollcallContract } from '@rollcall/proto';
import { type Method } from '@rollcall/contract';
import { type BodyOwner, callOptions } from '@rollcall/transcoder';
import type { FastifyRequest } from 'fastify';
import { firstValueFrom } from 'rxjs';
import type { Clients } from '../http/clients.ts';
import { credentialOf } from './credentials.ts';

/** For how long it is remembered that a caller may call a method, in milliseconds: what changes holds within two seconds. */
const rememberedMs = 750;

/** The largest body of those who are not signed in: a link to sign in by is short. */
const maxAnonymousBytes = 16 * 1024;

/** How many such answers are remembered. */
const maxRemembered = 10_000;

/** How long an answer may take, in milliseconds. */
const deadlineMs = 10_000;

/**
 * Asks user-service whether a caller may make a call, before the body of the request is read. The call itself is
 * authorized as any other: this saves the work for those who may not make it.
 */
export class CallChecks {
  readonly #client: callers.CallerServiceClient;
  readonly #clients: Clients;
  /** What may be called until when, by `performance.now()`. The oldest stands first. */
  readonly #permitted = new Map<string, number>();

  constructor(users: GrpcChannel, clients: Clients) {
    this.#client = users.client<callers.CallerServiceClient>(rollcallContract, 'rollcall.access.v1.CallerService');
    this.#clients = clients;
  }

  /** @throws RpcError what the method itself would answer before its message is read */
  check(
    request: FastifyRequest,
    { path, service, name }: Pick<Method, 'path' | 'service' | 'name'>,
  ): Promise<void> | undefined {
    const key = `${path} ${this.ownerOf(request).key}`;
    if ((this.#permitted.get(key) ?? -Infinity) > performance.now()) return undefined;
    return this.#ask(request, `${service}.${name}`, key);
  }

  /** On whose account the body of a request is kept. It does not have the credential in it. */
  ownerOf({ raw }: FastifyRequest): BodyOwner {
    const credential = credentialOf(raw, this.#clients.isSecure(raw));
    return credential === undefined
      ? { key: addressKeys(this.#clients.address(raw)).one, known: false, maxBytes: maxAnonymousBytes }
      : { key: hash('sha256', credential.authorization, 'base64'), known: true };
  }

  async #ask(request: FastifyRequest, method: string, key: string): Promise<void> {
    const { raw } = request;
    const credential = credentialOf(raw, this.#clients.isSecure(raw));
    const options = callOptions(request, {
      'x-forwarded-for': this.#clients.address(raw),
      ...(credential !== undefined && { authorization: credential.authorization }),
    });
    const askedAt = performance.now();
    const deadline = Math.min(options.deadline ?? Infinity, Date.now() + deadlineMs);
    try {
      await firstValueFrom(this.#client.checkCall({ method }, { ...options, deadline }));
    } catch (error) {
      // One of an earlier version knows no such question. The call itself is authorized in any case.
      if (!(error instanceof RpcError && error.code === Status.UNIMPLEMENTED)) throw error;
    }
    this.#permitted.delete(key);
    this.#permitted.set(key, askedAt + rememberedMs);
    if (this.#permitted.size > maxRemembered) this.#permitted.delete(this.#permitted.keys().next().value ?? '');
  }
}
