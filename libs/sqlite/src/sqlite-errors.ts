/** Result codes of SQLite. @see https://www.sqlite.org/rescode.html */
export const sqliteBusy = 5;
export const sqliteFull = 13;
export const sqliteCannotOpen = 14;

/** Whether SQLite threw this, with this result code. */
export function isSqliteError(error: unknown, code: number): error is Error {
  return error instanceof Error && 'errcode' in error && error.errcode === code;
}
