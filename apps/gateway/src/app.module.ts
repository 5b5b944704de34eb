import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { describedAccess } from '@rollcall/access';
import { batchClient } from '@rollcall/grpc-batching';
import { GrpcChannel, type TlsFiles } from '@rollcall/grpc';
import { ErrorReasonSchema, rollcallContract } from '@rollcall/proto';
import { openApiDocument } from '@rollcall/openapi';
import { ProblemFilter, TranscoderModule } from '@rollcall/transcoder';
import { CallChecks } from './sessions/call-checks.ts';
import { Clients } from './http/clients.ts';
import type { Config } from './config.ts';
import { credentialOf, ticketParameter } from './sessions/credentials.ts';
import { DocsController, openApiDocumentToken } from './page/docs.controller.ts';
import { HealthController } from './health.controller.ts';
import { OriginCheck } from './sessions/origin-check.ts';
import { PageController } from './page/page.controller.ts';
import { SessionController } from './sessions/session.controller.ts';
import { Sessions } from './sessions/sessions.ts';
import { SignInPageController } from './sessions/sign-in-page.controller.ts';
import { Upstreams } from './upstreams.ts';

const chatService = 'rollcall.chat.v1.ChatService';

/** The services that REST offers. */
const services = [
  'rollcall.user.v1.UserService',
  'rollcall.access.v1.AccessService',
  'rollcall.audit.v1.AuditService',
  chatService,
];

@Module({})
export class AppModule {
  static register(config: Config, clients: Clients, origins: OriginCheck, tls?: TlsFiles): DynamicModule {
    const unaryCalls = config.batchedCalls ? batchClient() : undefined;
    const options = { contracts: [rollcallContract], tls, unaryCalls };
    const users = new GrpcChannel(config.userTarget, options);
    const chat = new GrpcChannel(config.chatTarget, options);
    const checks = config.protectedMode ? undefined : new CallChecks(users, clients);
    const upstreams = new Upstreams([
      { name: 'user-service', channel: users, service: 'rollcall.user.v1.UserService' },
      { name: 'chat-service', channel: chat, service: chatService },
    ]);
    return {
      module: AppModule,
      imports: [
        TranscoderModule.register({
          contracts: [rollcallContract],
          services,
          channelFor: (service) => (service === chatService ? chat : users),
          errorDomain: 'rollcall',
          drainMs: config.drainMs,
          ...config.limits,
          admit: checks && ((request, method) => checks.check(request, method)),
          bodyOwner: (request) => checks?.ownerOf(request) ?? { key: clients.address(request.raw), known: true },
          requestMetadata: ({ raw }) => {
            const credential = credentialOf(raw, clients.isSecure(raw));
            return {
              'x-forwarded-for': clients.address(raw),
              ...(credential !== undefined && { authorization: credential.authorization }),
            };
          },
        }),
      ],
      controllers: [HealthController, PageController, DocsController, SessionController, SignInPageController],
      providers: [
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: Upstreams, useValue: upstreams },
        { provide: Clients, useValue: clients },
        { provide: OriginCheck, useValue: origins },
        { provide: CallChecks, useValue: checks },
        { provide: Sessions, useValue: new Sessions(users) },
        {
          provide: openApiDocumentToken,
          useValue: openApiDocument([rollcallContract], services, {
            title: 'Rollcall',
            version: '0.1.0',
            credentials: { sessionCookie: 'rollcall_session', ticketParameter },
            access: describedAccess,
            reasons: rollcallContract.registry.getEnum(ErrorReasonSchema.typeName),
          }),
        },
      ],
    };
  }
}
