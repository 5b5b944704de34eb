import type { OnApplicationShutdown } from '@nestjs/common';
import type { GrpcChannel } from '@rollcall/grpc';
import { health } from '@rollcall/grpc';
import { rollcallContract } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';

/** A server that the gateway calls. */
export interface Upstream {
  readonly name: string;
  readonly channel: GrpcChannel;
  /** The service whose health counts. */
  readonly service: string;
}

const checkMs = 1000;

/** The servers that the gateway calls, and whether they serve. */
export class Upstreams implements OnApplicationShutdown {
  readonly #upstreams: readonly Upstream[];

  constructor(upstreams: readonly Upstream[]) {
    this.#upstreams = upstreams;
  }

  /** Whether each server serves, by its name. */
  async check(): Promise<Record<string, boolean>> {
    const entries = await Promise.all(
      this.#upstreams.map(async (upstream) => [upstream.name, await serves(upstream)] as const),
    );
    return Object.fromEntries(entries);
  }

  onApplicationShutdown(): void {
    for (const { channel } of this.#upstreams) channel.close();
  }
}

async function serves({ channel, service }: Upstream): Promise<boolean> {
  const client = channel.client<health.HealthClient>(rollcallContract, 'grpc.health.v1.Health');
  try {
    const { status } = await firstValueFrom(client.check({ service }, { deadline: Date.now() + checkMs }));
    return status === health.HealthCheckResponse_ServingStatus.SERVING;
  } catch {
    return false; // whatever the error is, the server does not serve us
  }
}
