import { type Head, headText, noHead, sealOf } from './store/audit-chain.ts';
import { decodeEntry } from './store/audit-entry.ts';
import { type AuditRow } from './store/audit-pages.ts';

/** What is wrong with the log: which entry, and what became of it. */
export class BrokenChain extends Error {
  readonly seq: bigint;

  constructor(seq: bigint, what: string) {
    super(`entry ${seq} ${what}`);
    this.seq = seq;
  }
}

/**
 * Follows the audit log from its first entry to its last, in constant memory.
 *
 * @param pages the rows of the log, in the order of their numbers
 * @param noted heads that have to be part of it, as they were noted down outside of the database
 * @param onProgress is told the last entry that is in order
 * @returns the last entry
 * @throws BrokenChain at the first entry that is missing, or not the one that was written
 */
export async function verifyChain(
  pages: AsyncIterable<readonly AuditRow[]>,
  noted: readonly Head[] = [],
  onProgress: (head: Head) => void = () => undefined,
): Promise<Head> {
  let head = noHead;
  const due = noted.toSorted((a, b) => Number(a.seq - b.seq));
  const checkNoted = (): void => {
    for (; due[0] !== undefined && due[0].seq <= head.seq; due.shift())
      if (headText(due[0]) !== headText(head))
        throw new BrokenChain(head.seq, 'is not the one whose hash was noted: the log was rewritten up to it');
  };
  checkNoted();
  for await (const rows of pages) {
    for (const row of rows) {
      const seq = head.seq + 1n;
      if (row.seq !== seq) throw new BrokenChain(seq, 'is missing');
      const hash = sealOf(head.hash, row.entry);
      if (!hash.equals(row.hash)) throw new BrokenChain(seq, 'was changed: its hash is not that of what it says');
      if (!isAsItSays(row)) throw new BrokenChain(seq, 'was changed: its columns are not what it says');
      head = { seq, hash };
      checkNoted();
    }
    onProgress(head);
  }
  const [cut] = due;
  if (cut !== undefined)
    throw new BrokenChain(head.seq + 1n, `is missing: the log was cut, for the entry ${cut.seq} was noted`);
  return head;
}

/** Whether the columns that entries are found by say what the entry says, which alone is sealed. */
function isAsItSays({ seq, time_ms, caller_id, denied, entry }: AuditRow): boolean {
  let said;
  try {
    said = decodeEntry(entry);
  } catch {
    return false; // these bytes say nothing
  }
  const ms = said.time === null ? 0n : BigInt(said.time.seconds) * 1000n + BigInt(said.time.nanos / 1_000_000);
  const isDenied = said.code !== 0;
  return (
    said.seq === String(seq) && ms === time_ms && said.callerId === String(caller_id) && isDenied === (denied === 1n)
  );
}
