const causes: Readonly<Record<string, (address: string) => string>> = {
  EADDRINUSE: (address) => `another process listens on ${address}`,
  EACCES: (address) => `this process may not listen on ${address}`,
  EADDRNOTAVAIL: (address) => `this machine has no address ${address}`,
  ENOENT: (address) => `the folder of ${address} is not there`,
};

/** Why nobody can listen at an address. */
export class ListenError extends Error {
  /** @param cause what the system said, which grpc-js passes on as a text */
  constructor(address: string, cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause);
    const code = /\bE[A-Z]{4,}\b/.exec(said)?.[0] ?? '';
    super(causes[code]?.(address) ?? `cannot listen on ${address}: ${said}`, { cause });
  }
}
