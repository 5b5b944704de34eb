import type { ChannelOptions } from '@grpc/grpc-js';
import type { Contract } from '@rollcall/contract';
import { eachBackend } from './each-backend.ts';

/**
 * How a connection is kept, balanced and retried. Its channel has to have the channelOptions of Backends.
 *
 * @param contracts the contracts whose idempotent methods may be sent again when a server was UNAVAILABLE
 * @see https://github.com/grpc/grpc/blob/master/doc/service_config.md
 */
export function connectionOptions(contracts: readonly Contract[]): ChannelOptions {
  const idempotent = contracts
    .flatMap(({ methods }) => [...methods.values()])
    .filter((method) => method.idempotent && !method.requestStream)
    .map(({ service, name }) => ({ service, method: name }));
  return {
    // A backend that comes back is found within a second or two, also at another address.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2000,
    'grpc.dns_min_time_between_resolutions_ms': 1000,
    'grpc.service_config_disable_resolution': 1,
    // A connection that died without a word is noticed, also while no call is under way.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.service_config': JSON.stringify({
      loadBalancingConfig: [eachBackend],
      ...(idempotent.length > 0 && {
        methodConfig: [{ name: idempotent, retryPolicy }],
        retryThrottling: { maxTokens: 100, tokenRatio: 0.1 },
      }),
    }),
  };
}

const retryPolicy = {
  maxAttempts: 4,
  initialBackoff: '0.1s',
  maxBackoff: '1s',
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
};
