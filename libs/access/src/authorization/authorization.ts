import { status as Status } from '@grpc/grpc-js';
import { type Admission, type Authorize, currentCall, type IncomingCall, requestIdOf, RpcError } from '@rollcall/grpc';
import { isLoopback } from '@rollcall/environment';
import { type Method } from '@rollcall/contract';
import { user } from '@rollcall/proto';
import { type AccessRule, accessRuleOf } from './access-rule.ts';
import {
  credentialInvalid,
  notPermitted,
  rateLimited,
  signInRequired,
  tooManyStreams,
} from '../errors/access-errors.ts';
import { bearerOf, isTicket } from '../callers/bearer.ts';
import type { Caller, CredentialKind } from '../callers/caller.ts';
import type { CallerCache, KnownCaller, OpenCall } from '../callers/caller-cache.ts';
import { type OwnRecordCheck, ownRecordCheck } from './own-record.ts';
import { type CallerLimits, CallerRates, type Taking } from '../rates/caller-rates.ts';
import { FairTurns } from '../rates/fair-turns.ts';
import { proxySign } from '../addresses/proxy-signs.ts';
import { unixPeer } from '../addresses/trusted-proxies.ts';

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
  /**
   * Exchanges a ticket, which is used up by it, for what its stream goes on by; undefined for any other credential. It is
   * asked for streams of responses alone: elsewhere a ticket is a credential that stands for nobody.
   */
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
  readonly isWrite: boolean;
  /** Whether it is a stream of responses to one request: what EventSource can open, and tickets are for nothing else. */
  readonly opensByTicket: boolean;
}

/** It asks for another call, and is itself answered as that one would be: by `check`. */
const checkCall = '/rollcall.access.v1.CallerService/CheckCall';

const { USER_TYPE_UNSPECIFIED, USER_TYPE_DISABLED } = user.UserType;

/** Who may do what, as the contract says: every call of a server passes `authorize`, before a message of it is read. */
export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #rates: CallerRates;
  readonly #turns = new FairTurns();
  readonly #streams = new Map<string, number>();
  readonly #ruled = new Map<Method, Ruled | undefined>();

  constructor(options: AuthorizationOptions) {
    this.#options = options;
    this.#rates = new CallerRates(options.limits);
  }

  /** For GrpcServer. */
  readonly authorize: Authorize = (call) => {
    const address = this.#options.addressOf(call);
    if (call.method.path === checkCall) return { caller: nobody(address) };
    try {
      const admission = this.#admit(call, address, 'take');
      return admission instanceof Promise
        ? admission.catch((error: unknown) => this.#deny(error, call, address))
        : admission;
    } catch (error) {
      return this.#deny(error, call, address);
    }
  };

  /**
   * Says of a call that is yet to be made whether it may be, as far as that is known before its message is read. What may
   * be made takes nothing from a rate, for it will when it is made.
   *
   * @throws RpcError what `authorize` would throw; it is denied, counted and told as the call itself would be
   */
  async check(call: IncomingCall): Promise<void> {
    const address = this.#options.addressOf(call);
    try {
      await this.#admit(call, address, 'wait');
    } catch (error) {
      this.#deny(error, call, address);
    }
  }

  #admit(call: IncomingCall, address: string, taking: Taking): Admission | Promise<Admission> {
    const ruled = this.#ruleOf(call.method);
    if (ruled === undefined) throw unruled();
    const sent = bearerOf(call.metadata);
    if (sent === undefined) {
      const standIn = this.#options.standIn?.(call.method);
      return standIn === undefined
        ? this.#admitNobody(ruled, call, address, taking)
        : this.#admitFound(ruled, call, standIn, address, taking);
    }
    const known = this.#options.callers.known(sent);
    if (known !== undefined) return this.#admitCaller(ruled, call, sent, known, { ...known, address }, taking);
    const { redeem } = this.#options;
    const asSent = { credential: sent, as: undefined };
    if (redeem === undefined || !isTicket(sent)) return this.#admitFound(ruled, call, asSent, address, taking);
    // To ask would use it up. What is asked about has a body, and no ticket opens that.
    if (taking === 'wait' || !ruled.opensByTicket)
      throw credentialInvalid('it is a ticket, which opens a stream of responses and nothing else');
    const redeeming = this.#turns.run(address, async () => (await redeem(sent)) ?? asSent);
    return redeeming.then((redeemed) => this.#admitFound(ruled, call, redeemed, address, taking));
  }

  #admitNobody({ rule }: Ruled, { method }: IncomingCall, address: string, taking: Taking): Admission {
    if (!isOfTheTransport(method)) {
      const open = rule.anyone ? method.path : undefined;
      const retryMs = this.#rates.ofNobody(address, open, rule.anyone ? taking : 'take');
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
    taking: Taking,
  ): Promise<Admission> {
    const { callers: cache } = this.#options;
    const known = cache.known(credential) ?? (await this.#turns.run(address, () => cache.find(credential)));
    if (known.expiresMs <= Date.now()) throw credentialInvalid('it has expired');
    const caller: Caller = { ...known, credential: as ?? known.credential, address };
    return this.#admitCaller(ruled, call, credential, known, caller, taking);
  }

  #admitCaller(
    ruled: Ruled,
    { method }: IncomingCall,
    credential: string,
    known: KnownCaller,
    caller: Caller,
    taking: Taking,
  ): Admission {
    const rates = this.#rates;
    const retryMs = rates.ofKnown(known, caller.address, ruled.isWrite, taking);
    if (retryMs > 0) throw withCaller(rateLimited(retryMs), caller);
    const { ownRecord } = ruled;
    const error = refusal(ruled, known, method);
    if (error !== undefined) {
      if (taking === 'wait') rates.ofKnown(known, caller.address, ruled.isWrite, 'take'); // it will not be made
      throw withCaller(error, caller);
    }
    const onOwn = !ruled.rule.anyone && !ruled.rule.types.has(known.type);
    const { streamsPerCaller } = this.#options.limits;
    if (ruled.isStream && this.#streamsOf(known) >= streamsPerCaller)
      throw withCaller(tooManyStreams(streamsPerCaller), caller);
    return {
      caller,
      checkRequest: onOwn && ownRecord !== undefined ? this.#checked(ownRecord, method, caller) : undefined,
      onOpen: ruled.isStream ? (end) => this.#open(ruled, method, credential, known, end) : undefined,
    };
  }

  /** The services of the system have as many as they need. */
  #streamsOf({ credential, userId }: KnownCaller): number {
    return credential === 'service' ? 0 : (this.#streams.get(userId) ?? 0);
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
    const rule = accessRuleOf(method);
    const { kind } = method;
    const ruled = rule && {
      rule,
      ownRecord: rule.own && ownRecordCheck(method, rule.own),
      isStream: kind !== 'unary',
      isWrite: kind === 'unary' && !method.readOnly,
      opensByTicket: kind === 'server_streaming',
    };
    this.#ruled.set(method, ruled);
    return ruled;
  }

  #deny(thrown: unknown, { method, metadata }: IncomingCall, address: string): never {
    if (!(thrown instanceof RpcError)) throw thrown;
    // It was looked at whatever its address has done before: the valid ones among many that are not are let in.
    const retryMs = thrown.reason === 'CREDENTIAL_INVALID' ? this.#rates.ofFailure(address) : 0;
    const error = retryMs > 0 ? rateLimited(retryMs) : thrown;
    this.#tell(error, method, requestIdOf(metadata.get('x-request-id')[0]), callers.get(thrown) ?? nobody(address));
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

/**
 * Lets every caller in as the administrator: protected mode. A method whose contract does not say who may call it stays
 * closed, and so does all to whoever comes through a proxy, unless it is our gateway, which names a caller on this machine.
 */
export function localAuthorization(addressOf: (call: IncomingCall) => string): Authorize {
  return (call) => {
    if (accessRuleOf(call.method) === undefined) throw unruled();
    const address = addressOf(call);
    if (comesFromElsewhere(call, address)) throw notLocal();
    const caller: Caller = {
      userId: '0',
      type: user.UserType.USER_TYPE_ADMINISTRATOR,
      credential: 'local',
      expiresMs: Infinity,
      address,
    };
    return { caller };
  };
}

function comesFromElsewhere({ metadata }: IncomingCall, address: string): boolean {
  if (proxySign(Object.keys(metadata.getMap())) !== undefined) return true;
  const isForwarded = metadata.get('x-forwarded-for').length > 0;
  return isForwarded && address !== unixPeer && !isLoopback(address);
}

function notLocal(): RpcError {
  return notPermitted(
    'In protected mode callers are on this machine, and come through no proxy. Set OIDC_ISSUER or LOCAL_SIGN_IN=1 for others.',
    'the call came through a proxy',
  );
}

function unruled(): RpcError {
  return notPermitted('Nobody may call this method.', 'its contract does not say who may');
}
