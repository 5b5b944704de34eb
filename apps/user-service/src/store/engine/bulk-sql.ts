import type { BulkStatement } from './engine.ts';

/** The statement for one row of SQLite, with `?` for each column; an update has the key last. */
export function oneRowSql({ verb, table, columns }: BulkStatement): string {
  const names = columns.map(([name]) => name);
  if (verb === 'update') {
    const [key, ...rest] = names;
    return `update ${table} set ${rest.map((name) => `${name} = ?`).join(', ')} where ${key} = ?`;
  }
  const values = names.map(() => '?').join(', ');
  return `insert into ${table} (${names.join(', ')}) values (${values})${upsert({ verb, table, columns })}`;
}

/** The statement for all rows of PostgreSQL, with an array for each column. */
export function allRowsSql({ verb, table, columns }: BulkStatement): string {
  const types = { integer: 'int8', text: 'text', bytes: 'bytea' } as const;
  const names = columns.map(([name]) => name).join(', ');
  const arrays = columns.map(([, type], index) => `$${index + 1}::${types[type]}[]`).join(', ');
  if (verb === 'update') {
    const [[key] = ['']] = columns;
    const set = columns.slice(1).map(([name]) => `${name} = changed.${name}`);
    return `update ${table} set ${set.join(', ')} from unnest(${arrays}) as changed (${names}) where ${table}.${key} = changed.${key}`;
  }
  return `insert into ${table} (${names}) select * from unnest(${arrays})${upsert({ verb, table, columns })}`;
}

function upsert({ verb, columns }: BulkStatement): string {
  if (verb !== 'upsert') return '';
  const [[key] = [''], ...rest] = columns;
  return ` on conflict (${key}) do update set ${rest.map(([name]) => `${name} = excluded.${name}`).join(', ')}`;
}
