import { type DynamicModule, Module, type NestModule, type Provider } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Exchanges } from './exchanges.ts';
import { attachRoutes } from './nest/app-routes.ts';
import { RpcRoutes } from './routing/rpc-routes.ts';
import { controllersFor } from './transcoder.controllers.ts';
import {
  callSettings,
  type CallSettings,
  type DerivedRoutes,
  type TranscoderAsyncOptions,
  type TranscoderOptions,
  transcoderOptions,
} from './options.ts';

/**
 * REST for gRPC services, derived from their contracts, in an app of the FastifyAdapter or, better, that of
 * `transcoderAdapter()`. It touches its own routes only: the app's own keep their bodies, errors and headers.
 */
@Module({})
export class TranscoderModule implements NestModule {
  constructor(
    private readonly exchanges: Exchanges,
    private readonly host: HttpAdapterHost,
    private readonly config: ApplicationConfig,
  ) {}

  /** @throws Error when a service is in no contract, an HTTP rule cannot be read, or two rules collide */
  static register(options: TranscoderOptions): DynamicModule {
    return moduleOf(options, { provide: callSettings, useValue: options });
  }

  /** The same, with a factory that says how calls are made. @throws Error as `register` does */
  static registerAsync({ inject, useFactory, ...derived }: TranscoderAsyncOptions): DynamicModule {
    return moduleOf(derived, { provide: callSettings, inject: inject ?? [], useFactory });
  }

  /** Nest calls this when the app has its adapter and its prefix, and no routes yet. @throws Error for another adapter */
  configure(): void {
    const { httpAdapter } = this.host;
    const type = httpAdapter.getType();
    if (type !== 'fastify')
      throw new Error(`TranscoderModule needs an app of Nest's FastifyAdapter, and this one is of ${type}`);
    const { routes } = this.exchanges;
    const prefix = this.config.getGlobalPrefix().replace(/^\/+|\/+$/g, '');
    routes.prefix = [prefix, routes.ownPrefix].map((each) => (each === '' ? '' : `/${each}`)).join('');
    attachRoutes(httpAdapter.getInstance<FastifyInstance>(), routes);
  }
}

function moduleOf(derived: DerivedRoutes, settings: Provider): DynamicModule {
  const routes = new RpcRoutes(derived);
  const useFactory = (given: CallSettings): object => ({ ...derived, ...given, routes });
  return {
    module: TranscoderModule,
    imports: derived.imports ?? [],
    controllers: controllersFor(routes, derived.route),
    providers: [settings, { provide: transcoderOptions, inject: [callSettings], useFactory }, Exchanges],
  };
}
