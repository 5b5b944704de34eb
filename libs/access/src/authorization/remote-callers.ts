import { Metadata } from '@grpc/grpc-js';
import { outsideOfCalls, type RpcError } from '@rollcall/grpc';
import { type callers, type Timestamp } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { credentialInvalid } from '../errors/access-errors.ts';
import { isTicket } from '../callers/bearer.ts';
import type { Denial, Redeemed } from './authorization.ts';
import type { Caller, CredentialKind } from '../callers/caller.ts';
import type { KnownCaller } from '../callers/caller-cache.ts';

/** How long user-service may take, in milliseconds: less than callers wait for. */
const deadlineMs = 5000;

/** Puts what is about to be done into the audit log. @throws RpcError when that was not possible */
export type ReportWrite = (caller: Caller, requestId: string, method: string, note: string) => Promise<void>;

/**
 * Asks user-service whom credentials stand for, on behalf of another service. What is asked for several calls at once
 * ends with none of them.
 */
export class RemoteCallers {
  readonly #client: callers.CallerServiceClient;
  readonly #token: () => string | undefined;

  /** @param token the token that services call each other with, where they have to have one */
  constructor(client: callers.CallerServiceClient, token: () => string | undefined) {
    this.#client = client;
    this.#token = token;
  }

  /** For CallerCache. */
  readonly lookUp = (credentials: readonly string[]): Promise<readonly (KnownCaller | RpcError)[]> =>
    outsideOfCalls(async () => {
      const request = { credentials: [...credentials] };
      return (await firstValueFrom(this.#client.lookUpCallers(request, this.#options()))).callers.map(known);
    });

  /** For Authorization. */
  readonly redeem = (credential: string): Promise<Redeemed> | undefined =>
    isTicket(credential)
      ? outsideOfCalls(async () => {
          const redeeming = this.#client.redeemTicket({ ticket: credential }, this.#options());
          return { credential: (await firstValueFrom(redeeming)).credential, as: 'ticket' as const };
        })
      : undefined;

  /** Puts calls that were denied here into the audit log. @throws RpcError when that was not possible */
  async report(denials: readonly Denial[]): Promise<void> {
    await outsideOfCalls(() =>
      firstValueFrom(
        this.#client.reportDenials(
          {
            denials: denials.map(({ caller: { userId: callerId, credential, address }, ...denial }) => ({
              ...denial,
              callerId,
              credential,
              address: address.slice(0, 300),
              reason: denial.reason.slice(0, 1000),
            })),
          },
          this.#options(),
        ),
      ),
    );
  }

  /** Puts what is about to be done here into the audit log. */
  readonly reportWrite: ReportWrite = async ({ userId: callerId, credential, address }, requestId, method, note) => {
    const write = { callerId, credential, address: address.slice(0, 300), method, requestId, note };
    await outsideOfCalls(() => firstValueFrom(this.#client.reportWrite(write, this.#options())));
  };

  #options() {
    const metadata = new Metadata();
    const token = this.#token();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    return { metadata, deadline: Date.now() + deadlineMs };
  }
}

function known({ userId, type, kind, expireTime, invalidReason }: callers.LookedUpCaller): KnownCaller | RpcError {
  if (invalidReason !== '') return credentialInvalid(invalidReason);
  return { userId, type, credential: kindOf(kind), expiresMs: expireTime === null ? Infinity : millisOf(expireTime) };
}

/** A kind that this version does not know is as good as a token: what its caller may do does not depend on it. */
function kindOf(kind: string): CredentialKind {
  return kind === 'session' || kind === 'oidc' || kind === 'tutorial' || kind === 'service' ? kind : 'token';
}

function millisOf({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}
