// The health check of the container: exits with 0 when the service beside it serves.
import { readFileSync } from 'node:fs';
import { credentials as channelCredentials } from '@grpc/grpc-js';
import { GrpcChannel } from '@rollcall/grpc';
import { health, rollcallContract } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';

const listen = process.env['USER_LISTEN'] || '127.0.0.1:50051';
// An address that stands for all interfaces is listened on, not called.
const target = listen.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:');
const [cert, key] = [process.env['TLS_CERT'], process.env['TLS_KEY']];
const channel = new GrpcChannel(
  target,
  cert && key
    ? {
        // It asks its own container, which its certificate need not name, and tells it nothing.
        credentials: channelCredentials.createSsl(null, readFileSync(key), readFileSync(cert), {
          rejectUnauthorized: false,
        }),
        channelOptions: { 'grpc.ssl_target_name_override': 'localhost' }, // an address is none that TLS can send
      }
    : {},
);
const client = channel.client<health.HealthClient>(rollcallContract, 'grpc.health.v1.Health');
try {
  const { status } = await firstValueFrom(client.check({ service: '' }, { deadline: Date.now() + 2000 }));
  process.exitCode = status === health.HealthCheckResponse_ServingStatus.SERVING ? 0 : 1;
} catch {
  process.exitCode = 1; // that it cannot be asked is all the container engine wants to know
}
channel.close();
