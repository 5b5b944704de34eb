import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Exchanges } from './exchanges.ts';
import { ProblemFilter } from './problem/problem.filter.ts';
import { RpcRoutes } from './routing/rpc-routes.ts';
import { controllersFor } from './transcoder.controllers.ts';
import { type TranscoderOptions, transcoderOptions } from './options.ts';

/** REST for gRPC services, derived from their contracts. The app needs an adapter of `transcoderAdapter()`. */
@Module({})
export class TranscoderModule {
  /** @throws Error when a service is in no contract, an HTTP rule cannot be read, or two rules collide */
  static register(options: TranscoderOptions): DynamicModule {
    const routes = new RpcRoutes(options.contracts, options.services, options.errorDomain);
    return {
      module: TranscoderModule,
      controllers: controllersFor(routes),
      providers: [
        { provide: transcoderOptions, useValue: { ...options, routes } },
        { provide: APP_FILTER, useClass: ProblemFilter },
        Exchanges,
      ],
    };
  }
}
