import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';
import type { GrpcChannel, GrpcChannelOptions } from '@rollcall/grpc';
import type { Contract, Method } from '@rollcall/contract';
import type { BodyBudgetLimits, BodyOwner } from './http/body-budget.ts';
import type { FastifyRequest } from 'fastify';

/** What calls are made with: a GrpcChannel, or whatever stands in for one in a test. */
export type Channel = Pick<GrpcChannel, 'call'>;

/** Metadata of a call: text, or bytes under names that end in `-bin`, where text is base64. */
export type CallerMetadata = Readonly<Record<string, string | Buffer>>;

/**
 * What tells of the caller of a request: metadata of the call, such as `authorization`.
 *
 * @throws RpcError when the request says it in more than one way
 */
export type RequestMetadata = (request: FastifyRequest) => CallerMetadata | Promise<CallerMetadata>;

/** A server, and the services that it is called for. */
export interface Upstream extends GrpcChannelOptions {
  /** Where it is: `127.0.0.1:50051`, `dns:///orders:50051`, `unix:///…` */
  readonly target: string;
  readonly services: readonly string[];
}

/** Which routes there are: known when the module is made. */
export interface DerivedRoutes {
  readonly contracts: readonly Contract[];
  /** The full names of the services that REST offers. */
  readonly services: readonly string[];
  /** What the paths of this module begin with, behind the global prefix of the app, such as `api`; empty by default. */
  readonly prefix?: string;
  /** Whether methods without an HTTP rule are served, at `POST /{package.Service}/{Method}`, as is the default, or hidden. */
  readonly unannotatedMethods?: 'serve' | 'hide';
  /** Whose reasons those are that errors of the transcoder itself have: the domain of google.rpc.ErrorInfo; empty by default. */
  readonly errorDomain?: string;
  /** What the derived route of a method is decorated with, such as `[UseGuards(RolesGuard), SetMetadata('roles', …)]`. */
  readonly route?: (method: Method) => readonly MethodDecorator[];
  /** The modules with what those decorators ask for. */
  readonly imports?: ModuleMetadata['imports'];
}

/** How calls are made: what a factory of `registerAsync` gives. Either `upstreams` or `channelFor` says where to. */
export interface CallSettings extends Partial<BodyBudgetLimits> {
  /** The servers behind the routes. The module connects to them, retries what their contracts let it, and closes. */
  readonly upstreams?: readonly Upstream[];
  /** In place of `upstreams`: the connection to the server of a service, which the app makes and closes. */
  readonly channelFor?: (service: string) => Channel;
  /** The largest body of a call with one request, and the largest message of a request stream, in bytes; 1 MiB by default. */
  readonly maxBodyBytes?: number;
  /** How long the body of a call with one request may take to arrive, in milliseconds; 30,000 by default. */
  readonly bodyTimeoutMs?: number;
  /** What goes along with each call of its caller; by default the Authorization header. */
  readonly requestMetadata?: RequestMetadata;
  /** Headers of requests that go along with each call as metadata, beside `requestMetadata`, such as `x-tenant`. */
  readonly requestHeaders?: readonly string[];
  /** Metadata of answers that REST has as headers, whether a handler sends it first or last, such as `x-served-by`. */
  readonly responseHeaders?: readonly string[];
  /**
   * Asked before a byte of a body is read: whether the call may be made, as far as that is known without its message. What
   * it throws is answered, and the body is not read. Undefined when it may be made and there is nothing to wait for.
   */
  readonly admit?: (request: FastifyRequest, method: Method) => Promise<void> | undefined;
  /** On whose account a body is kept in memory that may be read; by default the address of the peer. */
  readonly bodyOwner?: (request: FastifyRequest) => BodyOwner;
  /** How long streams under way may take to end when the app closes, in milliseconds; 10,000 by default. */
  readonly drainMs?: number;
}

/** Options of `TranscoderModule.register`. */
export interface TranscoderOptions extends DerivedRoutes, CallSettings {}

/** Options of `TranscoderModule.registerAsync`: the factory is given what `inject` names, which `imports` may export. */
export interface TranscoderAsyncOptions
  extends DerivedRoutes, Pick<FactoryProvider<CallSettings>, 'inject' | 'useFactory'> {}

/** The token of what the factory has given. */
export const callSettings = Symbol('call settings');

export const transcoderOptions = Symbol('transcoder options');
