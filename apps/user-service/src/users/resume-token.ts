import { invalidFields } from '@rollcall/grpc';
import { resumeTokenGone } from './errors.ts';

/** How far a watch has come. */
export interface Position {
  /** The last change that it shows. */
  readonly seq: bigint;
  /** The last user of the snapshot that it has shown; undefined when the snapshot is over. */
  readonly snapshotId?: bigint | undefined;
}

/** @param directory what names this directory, for a token of another one means nothing here */
export function writeResumeToken(directory: Uint8Array, { seq, snapshotId }: Position): string {
  const parts = [Buffer.from(directory).toString('hex'), seq.toString(36)];
  if (snapshotId !== undefined) parts.push(snapshotId.toString(36));
  return parts.join('-');
}

/** @throws RpcError INVALID_FIELD when it is no token, RESUME_TOKEN_GONE when it is one of another directory */
export function readResumeToken(directory: Uint8Array, token: string): Position {
  const { from, seq, id } =
    /^(?<from>[0-9a-f]{8})-(?<seq>[0-9a-z]{1,13})(?:-(?<id>[0-9a-z]{1,13}))?$/.exec(token)?.groups ?? {};
  if (from === undefined || seq === undefined) {
    const description = 'is not a resume token: send one that an event carried, as it was';
    throw invalidFields([{ field: 'resume_token', description, reason: 'resume_token' }]);
  }
  if (from !== Buffer.from(directory).toString('hex')) throw resumeTokenGone();
  return { seq: fromBase36(seq), snapshotId: id === undefined ? undefined : fromBase36(id) };
}

function fromBase36(digits: string): bigint {
  let value = 0n;
  for (const digit of digits) value = value * 36n + BigInt(Number.parseInt(digit, 36));
  return BigInt.asIntN(64, value);
}
