import {
  type sendUnaryData,
  Server as GrpcJsServer,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { codecsOf, type Contract, type Method } from '@rollcall/contract';
import { type Authorize, authorizing, type IncomingCall } from './authorization.ts';
import { admissionBy } from '../security/admission.ts';
import { endOfServer } from '../status/call-errors.ts';
import { Connections } from '../connections/connections.ts';
import { type CallContext, requestIdOf } from '../context/call-context.ts';
import { Health } from '../system/health.ts';
import { http2Servers, setHttp2Options } from '../internals/http2-streams.ts';
import { IncomingCalls, type RequestKind } from '../connections/incoming-calls.ts';
import { ResetGrace } from '../connections/reset-grace.ts';
import { WriteBufferBudget } from '../backpressure/write-buffer.ts';
import { systemContract } from '../system/contract.ts';
import { Reflection } from '../system/reflection.ts';
import { type RpcError, unknownError } from '../status/rpc-error.ts';
import '../internals/wire-form.ts';
import { surviveUnhandledCallErrors } from '../internals/unhandled-errors.ts';
import type { Handler } from '../context/handler.ts';
import { ServedMethod } from './served-method.ts';
import { type CallHost, ServerCall } from './server-call.ts';
import type { PluginHost, PluginStreams, ServerPlugin } from './plugin.ts';
import {
  channelOptionsOf,
  defaultLimits,
  fieldsRead,
  maxRequestBytes,
  type ServerLimits,
  type IsOpenToAll,
} from '../connections/limits.ts';
import { ListenError } from '../system/listen-error.ts';
import { removeStaleSocket } from '../system/stale-socket.ts';
import { TlsServerCredentials } from '../security/tls-credentials.ts';
import type { TlsFiles } from '../security/tls-files.ts';

/** Services that a server serves, all of one contract. */
export interface ServedContract {
  readonly contract: Contract;
  /** The full names of the services. */
  readonly services: readonly string[];
}

export interface GrpcServerOptions {
  /** Where to listen: `127.0.0.1:50051`, `[::1]:0`, `unix:///run/service.sock`. */
  readonly listen: string;
  readonly serve: readonly ServedContract[];
  /** Whose reasons errors have, such as the name of the system: the domain of google.rpc.ErrorInfo. When it is empty, errors have none. */
  readonly errorDomain: string;
  /** Decides for every call, those of health and reflection among them, whether it may go on; all may by default. */
  readonly authorize?: Authorize;
  /**
   * Whether anybody may call a method, whatever `authorize` is told of them: its requests are as small as its rules say.
   * Beside health checks, it is not known of any by default.
   */
  readonly isOpenToAll?: IsOpenToAll;
  /** Speaks TLS with these files, and asks callers for certificates when there are authorities among them. */
  readonly tls?: TlsFiles;
  /** What is served beside the services, such as `batchServer()`. */
  readonly plugins?: readonly ServerPlugin[];
  /** What an address counts as where addresses have a bound, such as its network; each counts by itself by default. */
  readonly addressKey?: (address: string) => string;
  /** How long it may take to close, in milliseconds; 10,000 by default. Calls under way have nearly all of it. */
  readonly drainMs?: number;
  /** What the server takes; see limits.ts for the defaults. */
  readonly limits?: Partial<ServerLimits>;
  /** Further options of grpc-js. */
  readonly channelOptions?: ServerOptions;
}

/**
 * The gRPC server of a Nest microservice: `NestFactory.createMicroservice(AppModule, { strategy: new GrpcServer(…) })`.
 *
 * Response streams heed the reader's flow control and request streams brake their sender (see backpressure.ts). Health and
 * reflection are served beside the app's own services.
 */
export class GrpcServer extends Server implements CustomTransportStrategy {
  readonly #options: GrpcServerOptions;
  readonly #server: GrpcJsServer;
  readonly #health: Health;
  readonly #host: CallHost;
  readonly #connections: Connections;
  readonly #incoming: IncomingCalls;
  readonly #methods = new Map<string, Method>();
  readonly #kinds = new Map<string, RequestKind>();
  readonly #unary = new Map<string, ServedMethod>();
  readonly #plugins: ReadonlyMap<ServerPlugin, PluginStreams>;
  readonly #isOpenToAll: IsOpenToAll;
  #address = '';
  #closing = false;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: GrpcServerOptions) {
    super();
    surviveUnhandledCallErrors();
    this.#options = options;
    const { plugins = [], errorDomain } = options;
    const isOpenToAll: IsOpenToAll = (method) =>
      healthPaths.includes(method.path) || options.isOpenToAll?.(method) === true;
    this.#isOpenToAll = isOpenToAll;
    const limits = { ...defaultLimits, ...options.limits };
    const resetGrace = new ResetGrace();
    this.#connections = new Connections({
      limits,
      errorDomain,
      admission: options.tls && admissionBy(options.tls),
      addressKey: options.addressKey ?? ((address) => address),
      openPaths: new Set([...healthPaths, ...plugins.map(({ path }) => path)]),
      onClosed: (stream) => this.#incoming.closed(stream),
    });
    this.#incoming = new IncomingCalls({
      limits,
      errorDomain,
      resetGrace,
      kindOf: (path) => this.#kinds.get(path),
      heldBy: (stream) => this.#connections.loadOf(stream),
    });
    const interceptors = [this.#incoming.interceptor];
    if (options.authorize !== undefined)
      interceptors.push(
        authorizing(
          options.authorize,
          errorDomain,
          this.#methods,
          (error, call) => this.#unauthorizable(error, call),
          (call) => this.#incoming.refused(call),
        ),
      );
    this.#server = new GrpcJsServer({
      ...channelOptionsOf(
        limits,
        plugins.map(({ maxMessageBytes }) => maxMessageBytes),
      ),
      ...options.channelOptions,
      interceptors: [...interceptors, ...(options.channelOptions?.interceptors ?? [])],
    });
    setHttp2Options(this.#server, { maxHeaderListPairs: fieldsRead(limits) });
    this.#health = new Health(options.serve.flatMap(({ services }) => services));
    this.#host = {
      limits,
      errorDomain,
      live: new Set(),
      resetGrace,
      writeBufferBudget: new WriteBufferBudget(),
      logUnknownError: (error, context) => this.#logUnknownError(error, context),
    };
    const pluginHost: PluginHost = {
      ...this.#host,
      authorize: options.authorize,
      isOpenToAll,
      served: (path) => this.#unary.get(path),
      unauthorizable: (error, call) => this.#unauthorizable(error, call),
    };
    this.#plugins = new Map(plugins.map((plugin) => [plugin, plugin.attach(pluginHost)]));
  }

  /** Where the server listens, once it does: with the port that the system chose, if it was asked to. */
  get address(): string {
    return this.#address;
  }

  /** Binds and serves. Nest calls it. @throws Error when a method has no handler, or the address cannot be bound */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      this.#register();
      const { listen, tls } = this.#options;
      const credentials =
        tls === undefined
          ? ServerCredentials.createInsecure()
          : new TlsServerCredentials(tls, this.#host.limits.connectionBeginMs);
      await removeStaleSocket(listen);
      const port = await new Promise<number>((resolve, reject) => {
        this.#server.bindAsync(listen, credentials, (error, bound) =>
          error === null ? resolve(bound) : reject(new ListenError(listen, error)),
        );
      });
      for (const server of http2Servers(this.#server)) this.#connections.guard(server);
      this.#address = listen.startsWith('unix:') ? listen : listen.replace(/:\d+$/, `:${port}`);
      this.#sweep = setInterval(() => this.#endWhatIsDue(), sweepMs).unref();
      this.#health.set(true);
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /**
   * Stops taking calls, ends the streams that can be taken up again elsewhere, waits for the other calls, and ends those
   * that take longer than the limit. Nest calls it.
   */
  async close(): Promise<void> {
    this.#closing = true;
    this.#health.close();
    // Its callback is not waited for: it never comes when a connection is being destroyed just now.
    this.#server.tryShutdown(() => undefined);
    const drained = this.#connections.gone();
    for (const streams of this.#plugins.values()) streams.drain();
    for (const call of this.#host.live) if (call.resumable) call.end(endOfServer());
    const drainMs = this.#options.drainMs ?? 10_000;
    const resetGraceMs = Math.min(1000, drainMs / 5); // the last status of each call has to leave its socket
    await within(drained, drainMs - resetGraceMs);
    for (const call of this.#host.live) call.end(endOfServer());
    for (const streams of this.#plugins.values()) streams.end(endOfServer());
    await within(drained, resetGraceMs);
    this.#server.forceShutdown();
    this.#connections.destroy();
    await drained;
    clearInterval(this.#sweep);
  }

  /** Says whether the services can do their work, for health checks: not while their database is away. */
  setServing(serving: boolean): void {
    if (this.#address !== '' && !this.#closing) this.#health.set(serving);
  }

  /** Events of the transport are not offered; calls have their signal. */
  override on(): never {
    throw new Error('GrpcServer has no events');
  }

  /** The grpc-js server below. */
  override unwrap<T = GrpcJsServer>(): T {
    return this.#server as T;
  }

  #endWhatIsDue(): void {
    const now = Date.now();
    for (const call of this.#host.live) call.endIfDue(now);
    this.#incoming.endWhatIsDue(now);
    for (const streams of this.#plugins.values()) streams.endWhatIsDue(now);
    this.#host.resetGrace.cutOff(now);
    this.#connections.closeIdle(now);
  }

  #register(): void {
    const served = this.#options.serve;
    const names = served.flatMap(({ services }) => services);
    const own = [
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ];
    const reflection = new Reflection(
      [...new Set([...[...served, ...this.#plugins.keys()].map(({ contract }) => contract), systemContract])],
      [...names, ...own],
    );
    const ownHandlers = new Map([...this.#health.handlers(), ...reflection.handlers()]);
    const missing: string[] = [];
    for (const { contract, services } of [...served, { contract: systemContract, services: own }]) {
      const codecs = codecsOf(contract);
      for (const service of services) {
        const methods = [...contract.methods.values()].filter((method) => method.service === service);
        if (methods.length === 0) throw new Error(`the contract has no service ${service}`);
        for (const method of methods) {
          const handler = (this.getHandlerByPattern(method.path) as Handler | null) ?? ownHandlers.get(method.path);
          const codec = codecs.get(method.path);
          if (handler === undefined || codec === undefined) missing.push(method.path);
          else {
            const maxBytes = maxRequestBytes(method, this.#host.limits, this.#isOpenToAll);
            this.#serve(new ServedMethod(method, codec, handler, maxBytes, !endless.has(method.path)));
          }
        }
      }
    }
    for (const [plugin, streams] of this.#plugins) this.#servePlugin(plugin, streams);
    if (missing.length > 0) throw new Error(`no handler for ${missing.join(', ')}`);
    const unknown = [...this.getHandlers().keys()].filter((path) => !names.includes(path.split('/')[1] ?? ''));
    if (unknown.length > 0) throw new Error(`handlers for what is not served: ${unknown.join(', ')}`);
  }

  /** A stream of a plug-in is no ServerCall. */
  #servePlugin({ path, contract, maxMessageBytes }: ServerPlugin, streams: PluginStreams): void {
    const method = contract.methods.get(path);
    if (method === undefined) throw new Error(`the contract has no ${path}`);
    this.#methods.set(path, method);
    this.#kinds.set(path, { single: false, unary: false, maxBytes: maxMessageBytes });
    this.#registerRaw(path, 'bidi', (stream: ServerDuplexStream<Buffer, Buffer>) => streams.serve(stream));
  }

  #registerRaw(path: string, type: string, handler: unknown): void {
    const identity = (bytes: Buffer): Buffer => bytes;
    this.#server.register(path, handler as never, identity, identity, type);
  }

  #serve(served: ServedMethod): void {
    const { path, kind, requestStream } = served.method;
    this.#methods.set(path, served.method);
    this.#kinds.set(path, { single: !requestStream, unary: kind === 'unary', maxBytes: served.maxRequestBytes });
    const register = (type: string, handler: unknown): void => this.#registerRaw(path, type, handler);
    type Respond = sendUnaryData<Buffer>;
    switch (kind) {
      case 'unary':
        this.#unary.set(path, served);
        register('unary', (call: ServerUnaryCall<Buffer, Buffer>, respond: Respond) => {
          this.#incoming.received(call);
          new ServerCall(served, this.#host, call).respondOnce(call.request, respond);
        });
        break;
      case 'client_streaming':
        register('clientStream', (call: ServerReadableStream<Buffer, Buffer>, respond: Respond) =>
          new ServerCall(served, this.#host, call).respondOnce(call, respond),
        );
        break;
      case 'server_streaming':
        register('serverStream', (call: ServerWritableStream<Buffer, Buffer>) => {
          this.#incoming.received(call);
          new ServerCall(served, this.#host, call).respondMany(call.request, call);
        });
        break;
      case 'bidi_streaming':
        register('bidi', (call: ServerDuplexStream<Buffer, Buffer>) =>
          new ServerCall(served, this.#host, call).respondMany(call, call),
        );
        break;
    }
  }

  #logUnknownError(error: unknown, { requestId, method }: Pick<CallContext, 'requestId' | 'method'>): void {
    const cause = error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);
    this.logger.error({ message: `${method.path} failed`, requestId, cause });
  }

  #unauthorizable(error: unknown, { method, metadata }: IncomingCall): RpcError {
    const requestId = requestIdOf(metadata.get('x-request-id')[0]);
    this.#logUnknownError(error, { requestId, method });
    return unknownError(requestId);
  }
}

/** Methods of the server itself that anybody may call, and be in no hurry to end; those of plug-ins are such too. */
const healthPaths = ['Check', 'List', 'Watch'].map((name) => `/grpc.health.v1.Health/${name}`);

/** Streams that wait for something to happen, for days if need be. */
const endless = new Set(['/grpc.health.v1.Health/Watch']);

/** How often calls and connections are looked through for those whose time has come, in milliseconds. */
const sweepMs = 50;

/** Waits, but no longer than the limit. */
async function within(promise: Promise<void>, limitMs: number): Promise<void> {
  const { promise: limit, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([promise, limit]);
  clearTimeout(timer);
}
