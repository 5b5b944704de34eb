/** What a server process is told at its start, and asked for while it runs. */
export interface Scene {
  readonly side: 'stock' | 'ours';
  /**
   * surrogate: every call fails with a lone surrogate in its message; rows: streams of rows; flood: a guard that never
   * decides, once it has let in some calls; endless: streams that begin, and never end by themselves.
   */
  readonly scene: 'surrogate' | 'rows' | 'flood' | 'endless';
  /** Rows have 100 bytes each; the request says how many there are. */
  readonly rowsPerMessage?: number;
  /** The calls that the guard of a flood lets in. */
  readonly admitted?: number;
  /** How long the server may take to close; what it takes by itself when it is not told. */
  readonly drainMs?: number;
}

export interface Figures {
  /** What the process holds now, and the most that it ever held, in bytes. */
  readonly rssBytes: number;
  readonly maxRssBytes: number;
  /** What the process still holds of the heap and of buffers once the garbage is gone, in bytes. */
  readonly heldBytes: number;
  /** The rows that were taken from the sources of all streams. */
  readonly rowsTaken: number;
  /** The calls that the guard was asked about. */
  readonly callsGuarded: number;
}
