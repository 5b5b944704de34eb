import { createHash } from 'node:crypto';
import type { Kysely, Selectable, Transaction } from 'kysely';
import { encodeEntry, type NewEntry } from './entry.ts';
import type { BulkStatement, Engine } from '../engine/engine.ts';
import { prepared } from '../engine/prepared.ts';
import type { AuditTable, UsersDatabase } from '../engine/tables.ts';

/** An entry of the log, and what seals it and all those before it. */
export interface Head {
  readonly seq: bigint;
  readonly hash: Uint8Array;
}

/** What stands before the first entry. */
export const noHead: Head = { seq: 0n, hash: new Uint8Array(32) };

/** A head as people note it down: `17:` and the hash in hexadecimal digits. */
export function headText({ seq, hash }: Head): string {
  return `${seq}:${Buffer.from(hash).toString('hex')}`;
}

/** Reads such a text; the hash may also be in base64, as the API gives it. @throws Error when it is none */
export function readHead(text: string): Head {
  const { seq, hex, base64 } =
    /^(?<seq>\d{1,19}):(?:(?<hex>[0-9a-f]{64})|(?<base64>[A-Za-z0-9+/_-]{43}=?))$/i.exec(text)?.groups ?? {};
  if (seq === undefined) throw new Error(`"${text}" is no number and hash such as 17:9f86…`);
  return { seq: BigInt(seq), hash: hex === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(hex, 'hex') };
}

/** What seals an entry together with those before it. */
export function sealOf(previous: Uint8Array, entry: Uint8Array): Buffer {
  return createHash('sha256').update(previous).update(entry).digest();
}

const readLast = prepared((db) => db.selectFrom('audit').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1));

/** The last entry of the log. */
export async function auditHead(db: Kysely<UsersDatabase>): Promise<Head> {
  return (await readLast(db, {}))[0] ?? noHead;
}

const insert: BulkStatement = {
  verb: 'insert',
  table: 'audit',
  columns: [
    ['seq', 'integer'],
    ['time_ms', 'integer'],
    ['caller_id', 'integer'],
    ['denied', 'integer'],
    ['entry', 'bytes'],
    ['hash', 'bytes'],
  ],
};

/**
 * Appends to the audit log, in the transaction of what is done: both are there or neither is.
 *
 * @param db a transaction that is the only one that writes: of `WriteQueue`, in `run` or `exclusively`
 */
export async function appendAudit(
  engine: Engine,
  db: Transaction<UsersDatabase>,
  nowMs: bigint,
  entries: readonly NewEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  let { seq, hash } = await auditHead(db);
  const rows = entries.map((added): Selectable<AuditTable> => {
    const { timeMs = nowMs, callerId, code = 0 } = added;
    seq += 1n;
    const entry = encodeEntry(seq, timeMs, added);
    hash = sealOf(hash, entry);
    return { seq, time_ms: timeMs, caller_id: BigInt(callerId), denied: code === 0 ? 0n : 1n, entry, hash };
  });
  await engine.bulk(db, insert, rows);
}
