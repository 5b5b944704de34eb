import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { Method } from '@rollcall/contract';
import { statusOf } from '../status/error-status.ts';
import { RpcError } from '../status/rpc-error.ts';

/** What is known of a call before any of its messages is read. */
export interface IncomingCall {
  readonly method: Method;
  readonly metadata: Metadata;
  /** Where the caller is, as `address:port`, or `unknown` behind a unix socket. */
  readonly peer: string;
}

/** That a call may go on, and on whose behalf. */
export interface Admission {
  /** Who calls: what handlers find as `context.caller`. */
  readonly caller: unknown;
  /** Checks each request before the handler sees it. What it throws ends the call. */
  readonly checkRequest?: ((request: object) => void) | undefined;
  /**
   * Called when the call begins.
   *
   * @param end ends the call with an error, such as when its caller is no longer permitted
   * @returns what is called when the call is over
   */
  readonly onOpen?: ((end: (error: RpcError) => void) => () => void) | undefined;
}

/** Decides whether a call may go on. It throws the RpcError that the caller gets if not. */
export type Authorize = (call: IncomingCall) => Admission | Promise<Admission>;

/** The metadata of a call that was admitted. A WeakMap would cost each call more than all else here. */
interface AdmittedMetadata extends Metadata {
  [admitted]?: Admission;
}
const admitted: unique symbol = Symbol('admitted');

/** On whose behalf a call goes on; undefined on a server that lets everybody in. */
export function admissionOf(metadata: Metadata): Admission | undefined {
  return (metadata as AdmittedMetadata)[admitted];
}

/**
 * Asks for a call, and remembers on whose behalf it goes on. One of the two is called, at once or later.
 *
 * @param refuse takes whatever was thrown
 */
export function admit(
  authorize: Authorize,
  call: IncomingCall,
  goOn: () => void,
  refuse: (error: unknown) => void,
): void {
  const take = (admission: Admission): void => {
    (call.metadata as AdmittedMetadata)[admitted] = admission;
    goOn();
  };
  try {
    const admission = authorize(call);
    if (admission instanceof Promise) admission.then(take).catch(refuse);
    else take(admission);
  } catch (error) {
    refuse(error);
  }
}

/**
 * The one place that every method of a server passes, before a message of the call is read; but for calls that a stream
 * carries, which libs/grpc-batching/src/server/batch-servers.ts asks for.
 *
 * @param errorDomain whose reasons errors have
 * @param onUnknownError logs what is thrown and is no RpcError
 * @param onRefused called when a call was refused, whose caller may still be sending
 */
export function authorizing(
  authorize: Authorize,
  errorDomain: string,
  methods: ReadonlyMap<string, Method>,
  onUnknownError: (error: unknown, call: IncomingCall) => RpcError,
  onRefused: (call: ServerInterceptingCallInterface) => void,
): ServerInterceptor {
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, goOn) => {
            const method = methods.get(path);
            if (method === undefined) throw new Error(`${path} is served and not known`);
            const incoming: IncomingCall = { method, metadata, peer: call.getPeer() };
            const refuse = (error: unknown): void => {
              call.sendStatus(
                statusOf(error instanceof RpcError ? error : onUnknownError(error, incoming), errorDomain),
              );
              onRefused(call);
            };
            admit(authorize, incoming, () => goOn(metadata), refuse);
          },
        });
      },
    });
}
