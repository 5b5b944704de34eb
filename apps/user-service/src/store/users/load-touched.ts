import type { Kysely } from 'kysely';
import type { Engine } from '../engine/engine.ts';
import { literalEmpty, literalZero } from '../engine/literals.ts';
import type { Row } from './rows.ts';
import type { UsersDatabase } from '../engine/tables.ts';
import { isLive, type Loaded, type Touched } from './view.ts';

/** Reads what writes have to know before they decide. */
export async function loadTouched(
  engine: Engine,
  db: Kysely<UsersDatabase>,
  touched: readonly Touched[],
): Promise<Pick<Loaded, 'users' | 'answers'>> {
  const ids = [...new Set(touched.flatMap((each) => each.ids ?? []))];
  const emailKeys = new Set(touched.flatMap((each) => each.emailKeys ?? []));
  const answered = [...new Set(touched.flatMap((each) => each.requestIds ?? []))];
  const users: Row[] =
    ids.length === 0 ? [] : await db.selectFrom('users').selectAll().where(engine.isOneOf('id', ids)).execute();
  for (const row of users) if (!isLive(row)) emailKeys.add(row.email_key); // which it has again when it is undeleted
  emailKeys.delete('');
  if (emailKeys.size > 0) {
    const known = new Set(users.map(({ id }) => id));
    const byEmail = await db
      .selectFrom('users')
      .selectAll()
      .where(engine.isOneOf('email_key', [...emailKeys]))
      .where('email_key', '<>', literalEmpty)
      .where('delete_time_ms', '=', literalZero)
      .execute();
    users.push(...byEmail.filter(({ id }) => !known.has(id)));
  }
  const answers =
    answered.length === 0 ? [] : await db.selectFrom('request_ids').selectAll().where('id', 'in', answered).execute();
  return { users, answers };
}
