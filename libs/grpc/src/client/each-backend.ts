/** A load balancing policy of grpc-js: round_robin, which keeps a connection to each server, and lets its user choose. */
import { type ChannelOptions, connectivityState, experimental, Metadata } from '@grpc/grpc-js';
import { type Backends, backendsOf, type Connection } from './backends.ts';

const policyName = 'nest_grpc_each_backend';

/** This policy in a service config. The channel has to have the channelOptions of its Backends. */
export const eachBackend = { [policyName]: {} };

class EachBackendConfig implements experimental.TypedLoadBalancingConfig {
  static createFromJson(): EachBackendConfig {
    return new EachBackendConfig();
  }

  getLoadBalancerName(): string {
    return policyName;
  }

  toJsonObject(): object {
    return eachBackend;
  }
}

type Endpoints = experimental.StatusOr<experimental.Endpoint[]>;
type Control = experimental.ChannelControlHelper;

class EachBackend implements experimental.LoadBalancer {
  readonly #roundRobin: experimental.ChildLoadBalancerHandler;
  readonly #control: Control;
  #backends: Backends | undefined;
  #addresses = '';

  constructor(control: Control) {
    this.#control = control;
    const updateState: Control['updateState'] = (state, picker, errorMessage) => {
      const backends = this.#backends;
      backends?.set(state === ready ? allOf(picker) : []);
      const choosing = backends === undefined ? picker : { pick: (call: PickArgs) => backends.pick(call, picker) };
      control.updateState(state, choosing, errorMessage);
    };
    this.#roundRobin = new experimental.ChildLoadBalancerHandler(
      experimental.createChildChannelControlHelper(control, { updateState }),
    );
  }

  updateAddressList(endpoints: Endpoints, _config: unknown, options: ChannelOptions, note: string): boolean {
    this.#backends ??= backendsOf(options);
    this.#backends.resolve = () => this.#control.requestReresolution();
    if (endpoints.ok) {
      const addresses = endpoints.value.map(experimental.endpointToString).toSorted().join(' ');
      if (addresses === this.#addresses) return true; // round_robin would begin anew
      this.#addresses = addresses;
    }
    return this.#roundRobin.updateAddressList(endpoints, roundRobinConfig, options, note);
  }

  exitIdle(): void {
    this.#roundRobin.exitIdle();
  }

  resetBackoff(): void {
    this.#roundRobin.resetBackoff();
  }

  destroy(): void {
    this.#roundRobin.destroy();
    if (this.#backends === undefined) return;
    this.#backends.resolve = () => undefined;
    this.#backends.set([]);
  }

  getTypeName(): string {
    return policyName;
  }
}

type PickArgs = experimental.PickArgs;

/** The connections that a picker of round_robin goes through, which it does in a circle. */
function allOf(picker: experimental.Picker): Connection[] {
  const all = new Set<Connection>();
  for (;;) {
    const { subchannel } = picker.pick({ metadata: new Metadata(), extraPickInfo: {} });
    if (subchannel === null || all.has(subchannel)) return [...all];
    all.add(subchannel);
  }
}

const ready = connectivityState.READY;
const roundRobinConfig = experimental.parseLoadBalancingConfig({ round_robin: {} });
experimental.registerLoadBalancerType(policyName, EachBackend, EachBackendConfig);
