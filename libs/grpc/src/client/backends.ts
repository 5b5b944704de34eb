import { type ChannelOptions, experimental, Metadata, type MetadataOptions } from '@grpc/grpc-js';

type Picker = experimental.Picker;
type Picked = ReturnType<Picker['pick']>;
/** What grpc-js makes calls of a channel over. */
export type Connection = NonNullable<Picked['subchannel']>;
type SharedConnection = ReturnType<Connection['getRealSubchannel']>;

/** How often a target may be resolved again while calls are made, in milliseconds: nothing else tells of new servers. */
const resolveEveryMs = 500;

/** A server behind a target, for as long as one connection to it is up. */
export class Backend {
  /** Until when it is not asked to carry calls, in milliseconds since the epoch. */
  restsUntil = 0;
  /** Whether it has asked for new calls to go elsewhere. */
  draining = false;
  connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }
}

/** Where a call is to go, or went. */
export interface Route {
  /** Of the call. grpc-js hands its options, as this one object, to whoever picks. */
  readonly metadata: Metadata;
  /** Chosen when the call began, unless it was chosen before. */
  readonly backend: Backend | undefined;
}

/**
 * The servers behind a target that a channel has connections to just now. grpc-js resolves the target, connects and
 * connects again, as for any channel (each-backend.ts); here is what came of it, and what sends a call to one of them.
 */
export class Backends {
  readonly #reachable = new Map<SharedConnection, Backend>();
  readonly #routes = new WeakMap<MetadataOptions, { backend: Backend | undefined }>();
  /** Called when they are others than before. */
  onChange = (): void => undefined;
  /** Has the target resolved again, when its last answer is old enough. */
  resolve = (): void => undefined;
  #resolvedAt = 0;

  /** What a client has to be made with, beside its other options. */
  readonly channelOptions: ChannelOptions = { [optionName]: this };

  /** grpc-js writes the options of a client as JSON where GRPC_TRACE asks for it; this is in them, and they in this. */
  toJSON(): string {
    return 'backends';
  }

  /** Those whose connection is up. */
  get reachable(): Backend[] {
    return [...this.#reachable.values()];
  }

  /** Whether its connection is up. */
  reaches(backend: Backend): boolean {
    return this.#reachable.get(backend.connection.getRealSubchannel()) === backend;
  }

  /** To be called with each call: has the target resolved again once in a while. */
  lookAgain(now = Date.now()): void {
    if (now - this.#resolvedAt < resolveEveryMs) return;
    this.#resolvedAt = now;
    this.resolve();
  }

  /** For a call to one of them, or to any. */
  route(backend?: Backend): Route {
    const options: MetadataOptions = {};
    const route = { metadata: new Metadata(options), backend };
    this.#routes.set(options, route);
    return route;
  }

  /** Takes the connections that are up now. */
  set(connections: readonly Connection[]): void {
    const up = new Map(connections.map((connection) => [connection.getRealSubchannel(), connection]));
    let changed = false;
    for (const shared of this.#reachable.keys()) if (!up.has(shared)) changed = this.#reachable.delete(shared);
    for (const [shared, connection] of up) {
      const known = this.#reachable.get(shared);
      if (known !== undefined) known.connection = connection;
      else {
        this.#reachable.set(shared, new Backend(connection));
        changed = true;
      }
    }
    if (changed) this.onChange();
  }

  /** Picks for a call. @param any picks one of them */
  pick(call: experimental.PickArgs, any: Picker): Picked {
    const route = this.#routes.get(call.metadata.getOptions());
    if (route?.backend === undefined) {
      const picked = any.pick(call);
      if (route !== undefined && picked.subchannel !== null)
        route.backend = this.#reachable.get(picked.subchannel.getRealSubchannel());
      return picked;
    }
    if (!this.reaches(route.backend)) return gone.pick(call);
    const { COMPLETE } = experimental.PickResultType;
    const subchannel = route.backend.connection;
    return { pickResultType: COMPLETE, subchannel, status: null, onCallStarted: null, onCallEnded: null };
  }
}

/** grpc-js does not tell connections apart by options of such a name. */
const optionName = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.nest_grpc_backends`;
const gone = new experimental.UnavailablePicker({ details: 'The connection is gone.' });

/** The backends that a channel was made with. @throws Error when it was made without */
export function backendsOf(options: ChannelOptions): Backends {
  const backends: unknown = options[optionName];
  if (backends instanceof Backends) return backends;
  throw new Error('the channel was made without backends');
}
