import { addressKeys, callAddress, makeServiceToken, isOpenToAll } from '@rollcall/access';
import { type INestMicroservice, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { batchServer } from '@rollcall/grpc-batching';
import { CallLogger, GrpcServer, type ServedContract, TlsFiles } from '@rollcall/grpc';
import { rollcallContract, tutorialUserManagerContract, tutorialUserServiceContract } from '@rollcall/proto';
import { AppModule } from './app.module.ts';
import { ServiceCallers } from './access/caller.controller.ts';
import { AuditWatch } from './audit/watch.ts';
import type { Config } from './config.ts';
import type { Database } from './store/engine/database.ts';
import { DatabaseWatch } from './database-watch.ts';
import { authorizeCalls } from './access/authorize.ts';
import { letFirstAdministratorIn } from './access/first-administrator.ts';
import { claimReader, type VerifyToken } from './access/claims.ts';
import { lookUpCallers } from './access/look-up-callers.ts';
import { Makers } from './access/makers.ts';
import { TokenRefusals } from './access/token-refusals.ts';
import { Tokens } from './access/tokens.ts';
import { isProtected } from './access/environment.ts';
import type { OidcConfig } from './access/oidc/environment.ts';
import { OidcIssuer } from './access/oidc/issuer.ts';
import { OidcTokens } from './access/oidc/token.ts';
import { SignIn } from './access/sign-in.ts';
import type { Engine } from './store/engine/engine.ts';
import { openPostgres } from './store/engine/postgres.ts';
import { openSqlite } from './store/engine/sqlite.ts';
import { UsersStore } from './store/users.store.ts';

/** What the service serves, beside health and reflection. */
export const servedContracts: readonly ServedContract[] = [
  {
    contract: rollcallContract,
    services: [
      'rollcall.user.v1.UserService',
      'rollcall.access.v1.AccessService',
      'rollcall.access.v1.CallerService',
      'rollcall.audit.v1.AuditService',
    ],
  },
  { contract: tutorialUserManagerContract, services: ['UserManager'] },
  { contract: tutorialUserServiceContract, services: ['UserService'] },
];

/** A service that is built. `app.listen()` starts it, `app.close()` drains it and closes its store. */
export interface Service {
  readonly app: INestMicroservice;
  readonly server: GrpcServer;
  /** Sees to it that an administrator can sign in. @returns a link for that, when there is no other way */
  readonly firstLink: () => Promise<string | undefined>;
}

/** Builds the service over its store. @throws Error when the store or a file of TLS cannot be opened */
export async function createService(config: Config): Promise<Service> {
  const { listen, keepDeletedMs, keepChangesMs, keepAudit, logLevels, limits, drainMs } = config;
  const logger = new CallLogger({ json: !process.stdout.isTTY, logLevels });
  Logger.overrideLogger(logger); // the store writes before there is an app
  const tls = config.tls && new TlsFiles(config.tls);
  const store = await UsersStore.over(await openEngine(config.database), { keepChangesMs, keepAudit });
  try {
    const verifyToken = issuerTokens(config.signIn.oidc, store);
    const serviceToken = isProtected(config.signIn) ? undefined : makeServiceToken(config.signIn.serviceTokenFile);
    const refusals = new TokenRefusals();
    const readClaim = claimReader(verifyToken, serviceToken, refusals);
    const lookUp = lookUpCallers(store.credentials, readClaim, refusals);
    const makers = new Makers(readClaim, config.signIn.oidc?.tokenMs ?? 0);
    const signIn = new SignIn(store.credentials, store.audit, makers, config.signIn);
    const tokens = new Tokens(store.credentials, store.audit, makers);
    const { authorize, check, close } = authorizeCalls({
      config: config.signIn,
      lookUp,
      tokens,
      addressOf: callAddress(config.signIn.trustedProxies, listen.startsWith('unix:')),
      onDenied: ({ caller: { userId: callerId, credential, address }, ...denial }) =>
        store.audit.denied({ callerId, credential, address, ...denial }),
    });
    store.onClose(close);
    const server = new GrpcServer({
      errorDomain: 'rollcall',
      listen,
      serve: servedContracts,
      authorize,
      isOpenToAll,
      addressKey: (address) => addressKeys(address).one,
      limits,
      drainMs,
      tls,
      plugins: config.batchedCalls ? [batchServer()] : [],
    });
    const callers = new ServiceCallers(lookUp, tokens, store.audit, check);
    const app = await NestFactory.createMicroservice(
      AppModule.over(store, keepDeletedMs, callers, signIn, config.signIn),
      {
        strategy: server,
        logger,
        abortOnError: false,
      },
    );
    store.maintenance.start();
    new DatabaseWatch(store, server).start();
    new AuditWatch(store).start();
    return { app, server, firstLink: () => letFirstAdministratorIn(store, signIn, config.signIn) };
  } catch (error) {
    await store.onApplicationShutdown();
    throw error;
  }
}

/** What verifies the tokens of the issuer, if there is one, as long as the store is open. */
function issuerTokens(oidc: OidcConfig | undefined, store: UsersStore): VerifyToken | undefined {
  if (oidc === undefined) return undefined;
  const issuer = new OidcIssuer(oidc.issuer);
  issuer.start();
  store.onClose(() => issuer.close());
  const tokens = new OidcTokens(oidc, issuer);
  return (token) => tokens.verify(token);
}

/** Opens the database. @throws Error when it cannot be opened */
export function openEngine(database: Database): Promise<Engine> {
  return database.engine === 'sqlite' ? openSqlite(database.dataDir) : openPostgres(database.url, database.poolSize);
}
