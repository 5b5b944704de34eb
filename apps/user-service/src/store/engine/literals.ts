import { type RawBuilder, sql } from 'kysely';

/** Values that stand in the text of a query: an index of a part of a table is used only when the query says that part. */
export const literalZero: RawBuilder<bigint> = sql.lit(0) as unknown as RawBuilder<bigint>; // kysely types a literal by its value alone
export const literalEmpty: RawBuilder<string> = sql.lit('');
