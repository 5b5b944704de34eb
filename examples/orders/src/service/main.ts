import 'reflect-metadata';
import { createService } from './service.js';

const { app, server } = await createService(process.env['LISTEN'] ?? '127.0.0.1:50051');
app.enableShutdownHooks();
await app.listen();
console.log(`orders are taken at ${server.address}`);
