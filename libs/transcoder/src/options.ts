import type { ModuleMetadata } from '@nestjs/common';
import type { GrpcChannel } from '@rollcall/grpc';
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

export interface TranscoderOptions extends Partial<BodyBudgetLimits> {
  readonly contracts: readonly Contract[];
  /** The full names of the services that REST offers. */
  readonly services: readonly string[];
  /** The connection to the server of a service. */
  readonly channelFor: (service: string) => Channel;
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
  /** What the derived route of a method is decorated with, such as `[UseGuards(RolesGuard), SetMetadata('roles', …)]`. */
  readonly route?: (method: Method) => readonly MethodDecorator[];
  /** The modules with what those decorators ask for. */
  readonly imports?: ModuleMetadata['imports'];
  /**
   * Asked before a byte of a body is read: whether the call may be made, as far as that is known without its message. What
   * it throws is answered, and the body is not read. Undefined when it may be made and there is nothing to wait for.
   */
  readonly admit?: (request: FastifyRequest, method: Method) => Promise<void> | undefined;
  /** On whose account a body is kept in memory that may be read; by default the address of the peer. */
  readonly bodyOwner?: (request: FastifyRequest) => BodyOwner;
  /** Whose reasons those are that errors of the transcoder itself have: the domain of google.rpc.ErrorInfo; empty by default. */
  readonly errorDomain?: string;
  /** How long streams under way may take to end when the app closes, in milliseconds; 10,000 by default. */
  readonly drainMs?: number;
}

export const transcoderOptions = Symbol('transcoder options');
