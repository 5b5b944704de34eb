import { status as Status } from '@grpc/grpc-js';
import { type Admission, type Authorize, currentCall, type IncomingCall, requestIdOf, RpcError } from '@rollcall/grpc';
import { type AccessRule, type Method, user } from '@rollcall/proto';
import { credentialInvalid, notPermitted, rateLimited, signInRequired, tooManyStreams } from './access-errors.ts';
import { bearerOf } from './bearer.ts';
import type { Caller, CredentialKind } from './caller.ts';
import type { CallerCache, KnownCaller, OpenCall } from './caller-cache.ts';
import { type OwnRecordCheck, ownRecordCheck } from './own-record.ts';
import { type Rate, RateLimit } from './rate-limit.ts';

/** What callers may take. */
export interface CallerLimits {
  /** The calls of one caller. */
  readonly callsPerCaller: Rate;
  /**
   * The calls of one address that nobody is signed in for; and as many whose credential is not valid, beyond which no
   * credential of the address is looked at that is not in use already.
   */
  readonly callsPerAddress: Rate;
  /** The streams that one caller has open at a time. */
  readonly streamsPerCaller: number;
}

/** A call that was denied. */
export interface Denial {
  readonly caller: Caller;
  readonly method: string;
  readonly requestId: string;
  readonly code: Status;
  /** Why, for administrators. */
  readonly reason: string;
}

export interface AuthorizationOptions {
  readonly callers: CallerCache;
  readonly limits: CallerLimits;
  /** Where a call comes from, behind the proxies that are trusted. */
  readonly addressOf: (call: IncomingCall) => string;
  /** Exchanges a credential that is used up by it, such as a ticket, for one that is not; undefined for any other. */
  readonly redeem?: (credential: string) => Promise<Redeemed> | undefined;
  /** What stands for a call without a credential, such as the user that tutorial clients act as. */
  readonly standIn?: (method: Method) => Redeemed | undefined;
  readonly onDenied: (denial: Denial) => void;
}

/** A credential, and what its caller is known by instead. */
export interface Redeemed {
  readonly credential: string;
  readonly as: CredentialKind;
}

/** What is known of a method once. */
interface Ruled {
  readonly rule: AccessRule;
  readonly ownRecord: OwnRecordCheck | undefined;
  readonly isStream: boolean;
}

const { USER_TYPE_UNSPECIFIED, USER_TYPE_DISABLED } = user.UserType;

/** Who may do what, as the contract says: every call of a server passes `authorize`, before a message of it is read. */
export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #perCaller: RateLimit;
  readonly #perAddress: RateLimit;
  readonly #failuresPerAddress: RateLimit;
  readonly #streams = new Map<string, number>();
  readonly #ruled = new Map<Method, Ruled | undefined>();

  constructor(options: AuthorizationOptions) {
    this.#options = options;
    this.#perCaller = new RateLimit(options.limits.callsPerCaller);
    this.#perAddress = new RateLimit(options.limits.callsPerAddress);
    this.#failuresPerAddress = new RateLimit(options.limits.callsPerAddress);
  }

  /** For GrpcServer. */
  readonly authorize: Authorize = (call) => {
    const address = this.#options.addressOf(call);
    try {
      const admission = this.#admit(call, address);
      return admission instanceof Promise
        ? admission.catch((error: unknown) => this.#deny(error, call, address))
        : admission;
    } catch (error) {
      return this.#deny(error, call, address);
    }
  };

  #admit(call: IncomingCall, address: string): Admission | Promise<Admission> {
    const ruled = this.#ruleOf(call.method);
    if (ruled === undefined) throw unruled();
    const sent = bearerOf(call.metadata);
    if (sent === undefined) {
      const standIn = this.#options.standIn?.(call.method);
      return standIn === undefined
        ? this.#admitNobody(ruled, call, address)
        : this.#admitFound(ruled, call, standIn, address);
    }
    const known = this.#options.callers.known(sent);
    if (known !== undefined) return this.#admitCaller(ruled, call, sent, known, { ...known, address });
    const retryMs = this.#failuresPerAddress.wait(address);
    if (retryMs > 0) throw rateLimited(retryMs);
    const redeeming = this.#options.redeem?.(sent);
    return redeeming === undefined
      ? this.#admitFound(ruled, call, { credential: sent, as: undefined }, address)
      : redeeming.then((redeemed) => this.#admitFound(ruled, call, redeemed, address));
  }

  #admitNobody({ rule }: Ruled, { method }: IncomingCall, address: string): Admission {
    if (!isOfTheTransport(method)) {
      const retryMs = this.#perAddress.take(address);
      if (retryMs > 0) throw rateLimited(retryMs);
    }
    if (!rule.anyone) throw signInRequired();
    return { caller: nobody(address) };
  }

  async #admitFound(
    ruled: Ruled,
    call: IncomingCall,
    { credential, as }: { readonly credential: string; readonly as: CredentialKind | undefined },
    address: string,
  ): Promise<Admission> {
    const { callers: cache } = this.#options;
    const known = cache.known(credential) ?? (await cache.find(credential));
    if (known.expiresMs <= Date.now()) throw credentialInvalid('it has expired');
    const caller: Caller = { ...known, credential: as ?? known.credential, address };
    return this.#admitCaller(ruled, call, credential, known, caller);
  }

  #admitCaller(
    ruled: Ruled,
    { method }: IncomingCall,
    credential: string,
    known: KnownCaller,
    caller: Caller,
  ): Admission {
    const retryMs = this.#perCaller.take(known.userId);
    if (retryMs > 0) throw withCaller(rateLimited(retryMs), caller);
    const { ownRecord } = ruled;
    const onOwn = permit(ruled, known, method, caller);
    const { streamsPerCaller } = this.#options.limits;
    if (ruled.isStream && (this.#streams.get(known.userId) ?? 0) >= streamsPerCaller)
      throw withCaller(tooManyStreams(streamsPerCaller), caller);
    return {
      caller,
      checkRequest: onOwn && ownRecord !== undefined ? this.#checked(ownRecord, method, caller) : undefined,
      onOpen: ruled.isStream ? (end) => this.#open(ruled, method, credential, known, end) : undefined,
    };
  }

  #checked(ownRecord: OwnRecordCheck, method: Method, caller: Caller): (request: object) => void {
    return (request) => {
      try {
        ownRecord(request, caller.userId);
      } catch (error) {
        if (error instanceof RpcError) this.#tell(error, method, currentCall()?.requestId ?? '', caller);
        throw error;
      }
    };
  }

  /** A stream goes on as long as its caller may call its method. */
  #open(
    ruled: Ruled,
    method: Method,
    credential: string,
    known: KnownCaller,
    end: (error: RpcError) => void,
  ): () => void {
    const { userId } = known;
    this.#streams.set(userId, (this.#streams.get(userId) ?? 0) + 1);
    const call: OpenCall = {
      recheck: (now) => {
        const error = now instanceof RpcError ? now : refusal(ruled, now, method);
        if (error !== undefined) end(error);
        else if (!(now instanceof RpcError) && now.userId !== userId)
          end(credentialInvalid('it stands for another user'));
      },
    };
    const close = this.#options.callers.open(credential, known, call);
    return () => {
      close();
      const left = (this.#streams.get(userId) ?? 1) - 1;
      if (left > 0) this.#streams.set(userId, left);
      else this.#streams.delete(userId);
    };
  }

  #ruleOf(method: Method): Ruled | undefined {
    if (this.#ruled.has(method)) return this.#ruled.get(method);
    const { access: rule, kind } = method;
    const ruled = rule && {
      rule,
      ownRecord: rule.own && ownRecordCheck(method, rule.own),
      isStream: kind !== 'unary',
    };
    this.#ruled.set(method, ruled);
    return ruled;
  }

  #deny(error: unknown, { method, metadata }: IncomingCall, address: string): never {
    if (error instanceof RpcError) {
      const caller = callers.get(error) ?? nobody(address);
      if (error.reason === 'CREDENTIAL_INVALID') this.#failuresPerAddress.take(address);
      this.#tell(error, method, requestIdOf(metadata.get('x-request-id')[0]), caller);
    }
    throw error;
  }

  #tell(error: RpcError, { service, name }: Method, requestId: string, caller: Caller): void {
    if (error.code === Status.UNAVAILABLE) return; // it was not denied
    const why = typeof error.cause === 'string' ? `: ${error.cause}` : '';
    this.#options.onDenied({
      caller,
      method: `${service}.${name}`,
      requestId,
      code: error.code,
      reason: `${error.reason}${why}`,
    });
  }
}

/** The callers of errors that were thrown once it was known who calls. */
const callers = new WeakMap<RpcError, Caller>();

function withCaller(error: RpcError, caller: Caller): RpcError {
  callers.set(error, caller);
  return error;
}

/** @returns whether only on the caller's own record @throws RpcError NOT_PERMITTED */
function permit(ruled: Ruled, known: KnownCaller, method: Method, caller: Caller): boolean {
  const error = refusal(ruled, known, method);
  if (error !== undefined) throw withCaller(error, caller);
  return !ruled.rule.anyone && !ruled.rule.types.has(known.type);
}

function nobody(address: string): Caller {
  return { userId: '0', type: USER_TYPE_UNSPECIFIED, credential: '', expiresMs: Infinity, address };
}

function refusal({ rule }: Ruled, { type, credential }: KnownCaller, { service, name }: Method): RpcError | undefined {
  if (credential === 'service' && rule.services) return undefined;
  // Whether such a user is disabled, deleted or not there is nobody's business.
  if (type === USER_TYPE_UNSPECIFIED || type === USER_TYPE_DISABLED)
    return notPermitted(
      'This account may do nothing here.',
      type === USER_TYPE_DISABLED ? 'the user is disabled' : 'there is no such live user',
    );
  if (rule.anyone || rule.types.has(type) || rule.own?.types.has(type) === true) return undefined;
  return notPermitted(`You may not call ${service}.${name}.`, 'the type of the user');
}

/** Health checks are asked by those who run the system, all the time. */
function isOfTheTransport({ service }: Method): boolean {
  return service === 'grpc.health.v1.Health';
}

/** Lets every caller in as the administrator: protected mode. A method whose contract does not say who may call it stays closed. */
export function localAuthorization(addressOf: (call: IncomingCall) => string): Authorize {
  return (call) => {
    if (call.method.access === undefined) throw unruled();
    const caller: Caller = {
      userId: '0',
      type: user.UserType.USER_TYPE_ADMINISTRATOR,
      credential: 'local',
      expiresMs: Infinity,
      address: addressOf(call),
    };
    return { caller };
  };
}

function unruled(): RpcError {
  return notPermitted('Nobody may call this method.', 'its contract does not say who may');
}
