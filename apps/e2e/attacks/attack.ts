/** Where the attacked processes listen, over TCP on this machine. */
export interface Target {
  readonly host: string;
  /** The gateway. */
  readonly restPort: number;
  /** gRPC of user-service. */
  readonly userPort: number;
  /** gRPC of chat-service. */
  readonly chatPort: number;
}

/** Something that people without a credential do to the processes, on at most eight connections at a time. */
export interface Attack {
  /** What it does, in a few words; it names the attack on the command line and in the report. */
  readonly name: string;
  /**
   * Goes on until the signal, as fast as it is let, and then closes its connections. What the target answers, also that it
   * closes connections, is no error.
   *
   * @returns how many requests, calls or connections it has made
   */
  run(target: Target, signal: AbortSignal): Promise<number>;
}

/** How many connections an attack may have at a time. */
export const attackConnections = 8;
