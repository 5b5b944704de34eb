import { type Contract } from '@rollcall/contract';
import { GrpcChannel } from '@rollcall/grpc';
import type { CallSettings, Channel } from '../options.ts';

/** The channels of services, and those among them that are the module's own. */
export class Upstreams {
  readonly #byService = new Map<string, Channel>();
  readonly #own: GrpcChannel[] = [];

  /** @throws Error when a service has no server, or more than one */
  constructor(services: readonly string[], contracts: readonly Contract[], settings: CallSettings) {
    const { upstreams, channelFor } = settings;
    if ((upstreams === undefined) === (channelFor === undefined))
      throw new Error('TranscoderModule needs either upstreams or channelFor: where the services are');
    const servers = (upstreams ?? []).map(({ target, services: served, ...options }) => ({ target, served, options }));
    for (const service of services) {
      const count = servers.filter(({ served }) => served.includes(service)).length;
      if (upstreams !== undefined && count !== 1)
        throw new Error(`upstreams: ${count} of them have ${service}, not one`);
      if (channelFor !== undefined) this.#byService.set(service, channelFor(service));
    }
    for (const { target, served, options } of servers) {
      const channel = new GrpcChannel(target, { contracts, ...options });
      this.#own.push(channel);
      for (const service of served) this.#byService.set(service, channel);
    }
  }

  /** @throws Error for a service that is none of the module's */
  channelFor(service: string): Channel {
    const channel = this.#byService.get(service);
    if (channel === undefined) throw new Error(`nobody has said where ${service} is`);
    return channel;
  }

  close(): void {
    for (const channel of this.#own) channel.close();
  }
}
