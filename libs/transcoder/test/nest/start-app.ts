import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { TranscoderModule } from '../../src/transcoder.module.ts';
import { transcoderAdapter } from '../../src/transcoder.adapter.ts';
import type { TranscoderOptions } from '../../src/options.ts';
import { type Rest, type Shelf, shelfOptions, startShelf } from '../shelf.ts';

export interface AppOptions extends Pick<ModuleMetadata, 'controllers' | 'providers'> {
  /** The transcoder, before a shelf; by default the whole shelf. */
  readonly modules?: (shelf: Shelf) => DynamicModule[];
  /** More for the default one. */
  readonly options?: Partial<TranscoderOptions>;
  readonly adapter?: AbstractHttpAdapter;
  /** What main.ts does with the app before it listens. */
  readonly setUp?: (app: NestFastifyApplication) => void;
}

/** Starts an app as a team outside has it: own controllers and Nest's own body parser, beside derived routes. */
export async function startApp({ adapter, modules, options, setUp, ...own }: AppOptions = {}): Promise<Rest> {
  const shelf = await startShelf();
  const imports = modules?.(shelf) ?? [TranscoderModule.register({ ...shelfOptions(shelf), ...options })];
  @Module({ ...own, imports })
  class AppModule {}
  try {
    const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter ?? transcoderAdapter(), {
      abortOnError: false,
      logger: false,
    });
    setUp?.(app);
    const socketPath = `${shelf.directory}/http.sock`;
    await app.listen(socketPath);
    return {
      app,
      socketPath,
      stopService: () => shelf.stop(),
      async [Symbol.asyncDispose]() {
        await app.close();
        await shelf.close();
      },
    };
  } catch (error) {
    await shelf.close();
    throw error;
  }
}
