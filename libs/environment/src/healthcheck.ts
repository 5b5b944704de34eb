import { readFileSync } from 'node:fs';
import { credentials as channelCredentials } from '@grpc/grpc-js';
import { rollcallContract } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';
import { GrpcChannel, health } from '@rollcall/grpc';
import type { Environment } from './variables.ts';

/** How long the answer may take, in milliseconds. */
const deadlineMs = 2000;

/**
 * The health check of a container: whether the server beside it serves.
 *
 * @param listen where it listens
 * @param env says whether it speaks TLS
 */
export async function serves(listen: string, env: Environment): Promise<boolean> {
  // An address that stands for all interfaces is listened on, not called.
  const target = listen.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:');
  const { TLS_CERT: cert, TLS_KEY: key } = env;
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
    const { status } = await firstValueFrom(client.check({ service: '' }, { deadline: Date.now() + deadlineMs }));
    return status === health.HealthCheckResponse_ServingStatus.SERVING;
  } catch {
    return false; // that it cannot be asked is all the container engine wants to know
  } finally {
    channel.close();
  }
}
