export { NodeSqlite } from './node-sqlite.ts';
export { openSqlite, type SqliteFile } from './open-sqlite.ts';
export { NodeSqliteDialect } from './sqlite-dialect.ts';
export { isSqliteError, sqliteCannotOpen } from './sqlite-errors.ts';
export { SqliteWriter, SqliteWriterDialect } from './sqlite-writer.ts';
