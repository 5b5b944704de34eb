import type { Server } from 'node:https';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { CallLogger, ListenError, removeStaleSocket, TlsFiles } from '@rollcall/grpc';
import { securityHeaders, transcoderAdapter } from '@rollcall/transcoder';
import { AppModule } from './app.module.ts';
import { Clients } from './http/clients.ts';
import type { Config } from './config.ts';
import { corsHeaders, corsOptions } from './http/cors.ts';
import { httpsOptions, keepUp } from './http/https.ts';
import { ticketParameter } from './sessions/credentials.ts';
import { OriginCheck } from './sessions/origin-check.ts';

/** Browsers that came over TLS are to come over nothing else for a year. Other hosts of the domain are not ours to speak for. */
const overTls = { ...securityHeaders, 'strict-transport-security': 'max-age=31536000' };

/** Builds the gateway; it does not listen yet. @throws Error that names the variable whose file cannot be used */
export async function createGateway(config: Config): Promise<NestFastifyApplication> {
  const tls = config.tls && new TlsFiles(config.tls);
  const https = config.tls?.cert === undefined ? undefined : tls;
  const clients = new Clients(config.trustedProxies, config.listen.startsWith('unix:'));
  const origins = new OriginCheck(config, clients);
  const adapter = transcoderAdapter({
    limits: config.limits,
    https: https && httpsOptions(https, config.limits.headersTimeoutMs),
    secretParameter: ticketParameter,
    connectionOf: (socket) => clients.connectionOf(socket),
    headersOf: (request) => (clients.isSecure(request) ? overTls : securityHeaders),
    corsHeadersOf: (origin) => corsHeaders(config.corsOrigins, origin),
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.register(config, clients, origins, tls),
    adapter,
    {
      bodyParser: false,
      abortOnError: false,
      logger: new CallLogger({ json: !process.stdout.isTTY, logLevels: config.logLevels }),
    },
  );
  if (https !== undefined) keepUp(app.getHttpServer() as Server, https, config.limits.headersTimeoutMs);
  adapter.getInstance().addHook('onRequest', ({ raw }, _reply, done) => {
    origins.check(raw);
    done();
  });
  // Sessions read the bodies of their requests themselves, once these are let in.
  adapter.getInstance().removeAllContentTypeParsers();
  adapter.getInstance().addContentTypeParser('*', (_request, _payload, done) => done(null));
  if (config.corsOrigins.length > 0) app.enableCors(corsOptions(config.corsOrigins));
  return app;
}

/** Listens. @returns where, as a URL @throws ListenError when nobody can listen there */
export async function listen(app: NestFastifyApplication, config: Config): Promise<string> {
  try {
    return await listenAt(app, config);
  } catch (error) {
    throw new ListenError(config.listen, error);
  }
}

async function listenAt(app: NestFastifyApplication, config: Config): Promise<string> {
  if (config.listen.startsWith('unix:')) {
    await removeStaleSocket(config.listen);
    await app.listen(config.listen.replace(/^unix:(\/\/)?/, ''));
    return config.listen;
  }
  const colon = config.listen.lastIndexOf(':');
  await app.listen(Number(config.listen.slice(colon + 1)), config.listen.slice(0, colon).replace(/^\[|\]$/g, ''));
  return app.getUrl();
}
