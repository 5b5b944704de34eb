import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { runApp } from '@rollcall/environment';
import { logPlace, readConfig } from './config.ts';
import { createService } from './service.ts';

await runApp('chat-service', 'CHAT_LISTEN', async (env) => {
  const config = readConfig(env);
  const { app, server } = await createService(config);
  await app.listen();
  new Logger('chat-service').log(`the rooms are in ${logPlace(config)}`);
  return { app, address: server.address };
});
