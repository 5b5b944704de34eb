import { credentialInvalid, type KnownCaller, type LookUpCallers } from '@rollcall/access';
import { status as Status } from '@grpc/grpc-js';
import { type CallContext, GrpcController, type IncomingCall, RpcError } from '@rollcall/grpc';
import { type callers, rollcallContract, user } from '@rollcall/proto';
import type { Tokens } from './tokens.ts';
import type { AuditLog } from '../store/audit/log.ts';
import { toTimestamp } from '../store/users/rows.ts';

/** What the other services of the system ask about those who call them. */
export class ServiceCallers {
  readonly lookUp: LookUpCallers;
  readonly tokens: Tokens;
  readonly audit: AuditLog;
  /** Throws what the call would be answered before its message is read. */
  readonly check: (call: IncomingCall) => Promise<void>;

  constructor(lookUp: LookUpCallers, tokens: Tokens, audit: AuditLog, check: (call: IncomingCall) => Promise<void>) {
    this.lookUp = lookUp;
    this.tokens = tokens;
    this.audit = audit;
    this.check = check;
  }
}

@GrpcController(rollcallContract, 'rollcall.access.v1.CallerService')
export class CallerController implements callers.CallerServiceController {
  readonly #callers: ServiceCallers;

  constructor(serviceCallers: ServiceCallers) {
    this.#callers = serviceCallers;
  }

  async lookUpCallers({ credentials }: callers.LookUpCallersRequest): Promise<callers.LookUpCallersResponse> {
    return { callers: (await this.#callers.lookUp(credentials)).map(lookedUp) };
  }

  async redeemTicket({ ticket }: callers.RedeemTicketRequest): Promise<callers.RedeemTicketResponse> {
    const redeemed = await this.#callers.tokens.redeem(ticket);
    if (redeemed === undefined) throw credentialInvalid('it is no ticket');
    return { credential: redeemed.credential };
  }

  async checkCall(
    { method: name }: callers.CheckCallRequest,
    { metadata, peer }: CallContext,
  ): Promise<callers.CheckCallResponse> {
    const method = rollcallContract.methods.get(`/${name.replace(/\.(?=[^.]*$)/, '/')}`);
    if (method === undefined) throw new RpcError(Status.NOT_FOUND, 'UNKNOWN_METHOD', 'There is no such method.');
    await this.#callers.check({ method, metadata, peer });
    return {};
  }

  reportDenials({ denials }: callers.ReportDenialsRequest): callers.ReportDenialsResponse {
    for (const denial of denials) this.#callers.audit.denied(denial);
    return {};
  }

  async reportWrite({ note, ...origin }: callers.ReportWriteRequest): Promise<callers.ReportWriteResponse> {
    await this.#callers.audit.written(origin, note);
    return {};
  }
}

function lookedUp(found: KnownCaller | RpcError): callers.LookedUpCaller {
  if (found instanceof RpcError) {
    // Only of what is not valid is it known who it is: nobody. Of all else it is not known, and the asker hears of that.
    if (found.reason !== 'CREDENTIAL_INVALID') throw found;
    return {
      userId: '0',
      type: user.UserType.USER_TYPE_UNSPECIFIED,
      kind: '',
      expireTime: null,
      invalidReason: typeof found.cause === 'string' ? found.cause : 'it is not valid',
    };
  }
  const { userId, type, credential, expiresMs } = found;
  const expireTime = expiresMs === Infinity ? null : toTimestamp(BigInt(Math.floor(expiresMs)));
  return { userId, type, kind: credential, expireTime, invalidReason: '' };
}
