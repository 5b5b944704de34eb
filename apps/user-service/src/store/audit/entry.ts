import { currentCaller } from '@rollcall/access';
import { currentCall, encodedForm } from '@rollcall/grpc';
import { type audit, rollcallContract } from '@rollcall/proto';
import { codecsOf } from '@rollcall/contract';
import { MessageWriter } from '../engine/message-writer.ts';

/** Who did something, and by which call. */
export type Origin = Pick<audit.AuditEntry, 'callerId' | 'credential' | 'method' | 'address' | 'requestId'>;

/** A user before and after a change, as `encodeUser` writes them. */
export interface LoggedUsers {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Entries that follow one another and were removed. */
export interface Cut {
  readonly firstSeq: bigint;
  readonly lastSeq: bigint;
  /** The hash of the last one, from which the chain goes on. */
  readonly hash: Uint8Array;
  /** How many calls they told of. */
  readonly calls: bigint;
}

/** What is to stand in the audit log. What is left out has its default. */
export interface NewEntry extends Readonly<Origin> {
  /** When it was, in milliseconds since the epoch: when it is written, unless it is said here. */
  readonly timeMs?: bigint;
  /** The status code of gRPC; not 0 for what was denied. */
  readonly code?: number;
  readonly reason?: string;
  readonly count?: number;
  readonly changes?: readonly LoggedUsers[];
  readonly note?: string;
  readonly cuts?: readonly Cut[];
}

/** What the service does by itself. */
export const systemOrigin: Origin = { callerId: '0', credential: 'system', method: '', address: '', requestId: '' };

/** The call that the running code works for, and who makes it. A server that does not ask who calls knows nobody. */
export function currentOrigin(): Origin {
  const call = currentCall();
  if (call === undefined) return systemOrigin;
  const { service, name } = call.method;
  const { userId = '0', credential = '', address = '' } = currentCaller() ?? {};
  return { callerId: userId, credential, method: `${service}.${name}`, address, requestId: call.requestId };
}

/** How much of a text an entry keeps, in UTF-16 units: callers choose some of them. */
const maxText = 1000;

const afterTag = Buffer.of(0x12);

/** An entry as it is stored: an AuditEntry without its hash. */
export function encodeEntry(seq: bigint, timeMs: bigint, entry: NewEntry): Uint8Array {
  const { callerId, credential, method, address, requestId, code = 0, reason = '', count = 1, note = '' } = entry;
  const { changes = [], cuts = [] } = entry;
  const textBytes =
    3 * (credential.length + method.length + address.length + requestId.length + reason.length + note.length);
  const changeBytes = changes.reduce((sum, { before, after }) => sum + before.length + after.length + 10, 0);
  const writer = new MessageWriter(100 + textBytes + changeBytes + cuts.length * cutBytes);
  writer.unsigned(1, seq);
  writer.time(2, timeMs);
  writer.unsigned(3, BigInt(callerId));
  writer.text(4, credential.slice(0, maxText));
  writer.text(5, method.slice(0, maxText));
  writer.text(6, address.slice(0, maxText));
  writer.text(7, requestId.slice(0, maxText));
  writer.unsigned(8, code);
  writer.text(9, reason.slice(0, maxText));
  writer.unsigned(10, count);
  // A logged user is the field 1 of another message: of a change that is the user before, and 2 the one after.
  for (const { before, after } of changes)
    writer.nested(11, before, ...(after.length === 0 ? [] : [afterTag, after.subarray(1)]));
  writer.text(12, note.slice(0, maxText));
  for (const cut of cuts) writer.nested(14, encodeCut(cut));
  return writer.message;
}

/** How long an encoded cut is at the most, with what stands before it. */
const cutBytes = 80;

function encodeCut({ firstSeq, lastSeq, hash, calls }: Cut): Uint8Array {
  const writer = new MessageWriter(cutBytes);
  writer.unsigned(1, firstSeq);
  writer.unsigned(2, lastSeq);
  writer.nested(3, hash);
  writer.unsigned(4, calls);
  return writer.message;
}

/** An entry as it stands in the log. */
export interface StoredEntry {
  readonly entry: Uint8Array;
  readonly hash: Uint8Array;
}

const codec = codecsOf(rollcallContract).get('/rollcall.audit.v1.AuditService/ListAuditEntries');

function decode(page: Uint8Array): audit.AuditEntry[] {
  if (codec === undefined) throw new Error('the contract has no ListAuditEntries');
  return (codec.decodeResponse(page) as audit.ListAuditEntriesResponse).entries; // as it was encoded
}

/** What a stored entry says. @throws Error when it is no entry */
export function decodeEntry(entry: Uint8Array): audit.AuditEntry {
  const writer = new MessageWriter(entry.length + 10);
  writer.nested(1, entry);
  const [decoded] = decode(writer.message);
  if (decoded === undefined) throw new Error('there is no entry');
  return decoded;
}

/** A page of the log, written already. Its fields are there for whoever asks. */
export function auditPage(stored: readonly StoredEntry[], nextPageToken: string): audit.ListAuditEntriesResponse {
  const writer = new MessageWriter(
    stored.reduce((sum, { entry }) => sum + entry.length + 50, nextPageToken.length + 10),
  );
  for (const { entry, hash } of stored) writer.nested(1, entry, Buffer.of(0x6a, hash.length), hash);
  writer.text(2, nextPageToken);
  const bytes = writer.message;
  const page = {
    nextPageToken,
    get entries() {
      return decode(bytes);
    },
    [encodedForm]: bytes,
  };
  return page;
}
