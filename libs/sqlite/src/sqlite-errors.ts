/** Result codes of SQLite, the lowest byte of what `errcode` holds. @see https://www.sqlite.org/rescode.html */
export const sqliteBusy = 5;
export const sqliteFull = 13;
export const sqliteCannotOpen = 14;

const [readOnly, ioError, corrupt, lockProtocol, notADatabase] = [8, 10, 11, 15, 26];

/** Errors that lie with the disk, or the file on it, and with no statement. */
const ofDisk = new Set([readOnly, ioError, corrupt, sqliteFull, sqliteCannotOpen, lockProtocol, notADatabase]);

/** What stands for an error of the disk. @param isFull whether it has no room */
export type DiskError = (cause: Error, isFull: boolean) => Error;

/** Whether SQLite threw this, with this result code. */
export function isSqliteError(error: unknown, code: number): error is Error {
  return error instanceof Error && codeOf(error) === code;
}

/** Whether SQLite threw this because of the disk. */
export function isDiskError(error: unknown): error is Error {
  return error instanceof Error && ofDisk.has(codeOf(error) ?? 0);
}

/** The same error, unless it is one of the disk. */
export function told(error: unknown, diskError: DiskError): unknown {
  return isDiskError(error) ? diskError(error, codeOf(error) === sqliteFull) : error;
}

function codeOf(error: Error): number | undefined {
  return 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
