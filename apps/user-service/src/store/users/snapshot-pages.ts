import { sql } from 'kysely';
import type { Engine } from '../engine/engine.ts';
import type { Row } from './rows.ts';

/** Live users by id, and up to which change they are. */
export interface SnapshotPage {
  readonly users: readonly Row[];
  /** The number of the last change that the users show. */
  readonly seq: bigint;
}

/** Reads the directory in pages, each of which is of one moment. Nothing is held between one and the next. */
export class SnapshotPages {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The live users behind an id. The page that is not full is the last one. */
  async read(afterId: bigint, limit: number): Promise<SnapshotPage> {
    // One statement sees one moment, without a transaction that would hold it.
    const { rows } = await sql<{ seq: bigint } & { [Column in keyof Row]: Row[Column] | null }>`
      select counters.value as seq, page.*
      from counters
      left join (
        select * from users where delete_time_ms = 0 and id > ${afterId} order by id limit ${BigInt(limit)}
      ) as page on true
      where counters.name = 'change'
      order by page.id`.execute(this.#engine.db);
    const users = rows.flatMap((row) => (row.id === null ? [] : (row as unknown as Row))); // no column of a user is null
    return { users, seq: rows[0]?.seq ?? 0n };
  }
}
