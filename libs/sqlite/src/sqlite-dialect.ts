import { SqliteAdapter, SqliteDialect } from 'kysely';

/** Lets a migration be one transaction. SQLite can do that, and kysely does not count on it. */
class TransactionalDdl extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** What the connections share: queries that are prepared for one are for the other. */
export const sqliteAdapter: SqliteAdapter = new TransactionalDdl();

/** kysely's dialect for node:sqlite. */
export class NodeSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return sqliteAdapter;
  }
}
