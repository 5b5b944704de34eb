import { type Head, headText, noHead, sealOf } from '../store/audit/chain.ts';
import type { audit } from '@rollcall/proto';
import { type Cut, decodeEntry } from '../store/audit/entry.ts';
import { type AuditRow } from '../store/audit/pages.ts';

/** What is wrong with the log: which entry, and what became of it. */
export class BrokenChain extends Error {
  readonly seq: bigint;

  constructor(seq: bigint, what: string) {
    super(`entry ${seq} ${what}`);
    this.seq = seq;
  }
}

/** What the log is. */
export interface Verdict {
  /** The last entry. */
  readonly head: Head;
  /** How many entries have been removed because they were kept for long enough. */
  readonly removed: bigint;
  /** Noted heads that are among those, and cannot be compared any more. */
  readonly unseen: readonly Head[];
}

/** What to hold the log against. */
export interface Evidence {
  /** Where entries were removed, by the table of these: an entry has to say the same. */
  readonly cuts?: readonly Omit<Cut, 'calls'>[];
  /** Heads that have to be part of the log, as they were noted down outside of the database. */
  readonly noted?: readonly Head[];
  /** When the directory last changed, in milliseconds since the epoch: the log has an entry of that. */
  readonly lastChangeMs?: bigint | undefined;
}

/**
 * Follows the audit log from its first entry to its last, in constant memory.
 *
 * @param pages the rows of the log, in the order of their numbers
 * @param onProgress is told the last entry that is in order
 * @throws BrokenChain at the first entry that is missing, or not the one that was written
 */
export async function verifyChain(
  pages: AsyncIterable<readonly AuditRow[]>,
  { cuts = [], noted = [], lastChangeMs }: Evidence = {},
  onProgress: (head: Head) => void = () => undefined,
): Promise<Verdict> {
  let head = noHead;
  let lastMs = 0n;
  let removed = 0n;
  const unseen: Head[] = [];
  const cutAt = new Map(cuts.map((cut) => [cut.firstSeq, cut]));
  /** Cuts that no entry has told of yet. */
  const untold = new Map<string, bigint>();
  const due = noted.toSorted((a, b) => Number(a.seq - b.seq));
  const checkNoted = (): void => {
    for (; due[0] !== undefined && due[0].seq <= head.seq; due.shift())
      if (due[0].seq < head.seq) unseen.push(due[0]);
      else if (headText(due[0]) !== headText(head))
        throw new BrokenChain(head.seq, 'is not the one whose hash was noted: the log was rewritten up to it');
  };
  checkNoted();
  for await (const rows of pages) {
    for (const row of rows) {
      for (let cut = cutAt.get(head.seq + 1n); cut !== undefined && cut.lastSeq < row.seq;) {
        removed += cut.lastSeq - head.seq;
        untold.set(cutText(cut), cut.firstSeq);
        head = { seq: cut.lastSeq, hash: cut.hash };
        checkNoted();
        cut = cutAt.get(head.seq + 1n);
      }
      const seq = head.seq + 1n;
      if (row.seq !== seq) throw new BrokenChain(seq, 'is missing');
      const hash = sealOf(head.hash, row.entry);
      if (!hash.equals(row.hash)) throw new BrokenChain(seq, 'was changed: its hash is not that of what it says');
      const said = readEntry(row);
      if (said === undefined) throw new BrokenChain(seq, 'was changed: its columns are not what it says');
      for (const cut of said.cuts)
        untold.delete(cutText({ firstSeq: BigInt(cut.firstSeq), lastSeq: BigInt(cut.lastSeq), hash: cut.hash }));
      if (row.time_ms > lastMs) lastMs = row.time_ms; // what was denied has the time of before it was written
      head = { seq, hash };
      checkNoted();
    }
    onProgress(head);
  }
  const [cut] = due;
  if (cut !== undefined)
    throw new BrokenChain(head.seq + 1n, `is missing: the log was cut, for the entry ${cut.seq} was noted`);
  const [first] = untold.values();
  if (first !== undefined) throw new BrokenChain(first, 'is missing: it was removed, and no entry tells of that');
  if (lastChangeMs !== undefined && lastChangeMs > lastMs)
    throw new BrokenChain(head.seq + 1n, 'is missing: the directory has changed since the last one');
  return { head, removed, unseen };
}

function cutText({ firstSeq, lastSeq, hash }: Omit<Cut, 'calls'>): string {
  return `${firstSeq} ${headText({ seq: lastSeq, hash })}`;
}

/** What an entry says; undefined when the columns that it is found by do not say the same, for the entry alone is sealed. */
function readEntry({ seq, time_ms, caller_id, denied, entry }: AuditRow): audit.AuditEntry | undefined {
  let said;
  try {
    said = decodeEntry(entry);
  } catch {
    return undefined; // these bytes say nothing
  }
  const ms = said.time === null ? 0n : BigInt(said.time.seconds) * 1000n + BigInt(said.time.nanos / 1_000_000);
  const isDenied = said.code !== 0;
  const isSame =
    said.seq === String(seq) && ms === time_ms && said.callerId === String(caller_id) && isDenied === (denied === 1n);
  return isSame ? said : undefined;
}
