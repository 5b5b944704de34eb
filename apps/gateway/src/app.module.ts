import { type DynamicModule, Module } from '@nestjs/common';
import { GrpcChannel, type TlsFiles } from '@rollcall/grpc';
import { rollcallContract } from '@rollcall/proto';
import { openApiDocument, TranscoderModule } from '@rollcall/transcoder';
import type { Config } from './config.ts';
import { DocsController, openApiDocumentToken } from './docs.controller.ts';
import { HealthController } from './health.controller.ts';
import { Upstreams } from './upstreams.ts';

/** The services that REST offers. */
const services = ['rollcall.user.v1.UserService'];

@Module({})
export class AppModule {
  static register(config: Config, tls?: TlsFiles): DynamicModule {
    const users = new GrpcChannel(config.userTarget, { contracts: [rollcallContract], tls });
    const upstreams = new Upstreams([
      { name: 'user-service', channel: users, service: 'rollcall.user.v1.UserService' },
    ]);
    return {
      module: AppModule,
      imports: [
        TranscoderModule.register({
          contracts: [rollcallContract],
          services,
          channelFor: () => users,
          drainMs: config.drainMs,
        }),
      ],
      controllers: [HealthController, DocsController],
      providers: [
        { provide: Upstreams, useValue: upstreams },
        {
          provide: openApiDocumentToken,
          useValue: openApiDocument([rollcallContract], services, { title: 'Rollcall', version: '0.1.0' }),
        },
      ],
    };
  }
}
