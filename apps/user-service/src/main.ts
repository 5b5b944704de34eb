import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { runApp } from '@rollcall/environment';
import { readConfig, storePlace } from './config.ts';
import { createService } from './service.ts';
import { isProtected } from './access/environment.ts';

await runApp('user-service', 'USER_LISTEN', async (env) => {
  const config = readConfig(env);
  const { app, server, firstLink } = await createService(config);
  await app.listen();
  const logger = new Logger('user-service');
  logger.log(`the directory is in ${storePlace(config.database)}`);
  if (isProtected(config.signIn))
    logger.warn('protected mode: whoever is on this machine is the administrator. See OIDC_ISSUER and LOCAL_SIGN_IN.');
  const link = await firstLink();
  // It is for the eyes of whoever starts the service, and no line of the log.
  if (link !== undefined) console.log(`\nSign in as the administrator, once and within a day:\n\n  ${link}\n`);
  return { app, address: server.address };
});
