import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Contract } from '@rollcall/contract';
import type { Authorize, IncomingCall } from './authorization.ts';
import type { RpcError } from '../status/rpc-error.ts';
import type { ServedMethod } from './served-method.ts';
import type { CallHost } from './server-call.ts';
import type { IsOpenToAll } from '../connections/limits.ts';

/** Serves a method of its own beside the services of a server, such as one whose streams carry calls of the others. */
export interface ServerPlugin {
  /** The path of the method, whose request and response are streams. Anybody may open one. */
  readonly path: string;
  /** Where the method is described. */
  readonly contract: Contract;
  /** The largest message of a caller, in bytes. */
  readonly maxMessageBytes: number;
  /** Called once, while the server is made. */
  attach(host: PluginHost): PluginStreams;
}

/** What a plug-in has of its server. */
export interface PluginHost extends CallHost {
  readonly authorize: Authorize | undefined;
  readonly isOpenToAll: IsOpenToAll;
  /** Finds a unary method by its path. */
  served(path: string): ServedMethod | undefined;
  /** What the caller hears when asking for a call has failed. */
  unauthorizable(error: unknown, call: IncomingCall): RpcError;
}

/** The streams that a plug-in serves. */
export interface PluginStreams {
  /** Takes a stream. Messages are the bytes that were sent. */
  serve(stream: ServerDuplexStream<Buffer, Buffer>): void;
  /** Asks all callers to go elsewhere with what is new. */
  drain(): void;
  /** Ends all streams. */
  end(error: RpcError): void;
  /** Called every so often, to end what has had its time. */
  endWhatIsDue(now: number): void;
}
