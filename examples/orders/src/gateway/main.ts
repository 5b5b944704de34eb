import 'reflect-metadata';
import { createGateway } from './gateway.js';

const app = await createGateway(process.env['ORDERS_TARGET'] ?? '127.0.0.1:50051');
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
console.log(`REST is at ${await app.getUrl()}/v1/orders`);
