import type { Timestamp, user } from '@rollcall/proto';
import type { QueriedUsers } from './queried-users.ts';
import { emailKey, nameKey } from './text-keys.ts';

/** The columns that hold values of a type. */
type Columns<Value> = {
  [Column in keyof QueriedUsers]: QueriedUsers[Column] extends Value ? Column : never;
}[keyof QueriedUsers];

/** A field that is compared as a whole number. */
export interface NumberField {
  readonly kind: 'integer' | 'type' | 'time';
  readonly name: string;
  readonly column: Columns<bigint>;
  /** What the column holds when the value is not known; absent when it always is. */
  readonly unknown?: bigint;
  /** The least and the greatest number to compare with; for an integer alone. */
  readonly range?: readonly [least: bigint, greatest: bigint];
  /** What the column holds of this user; undefined when it is not known. */
  readonly read: (from: user.User) => bigint | undefined;
}

/** A field that is compared as text. */
export interface TextField {
  readonly kind: 'text';
  readonly name: string;
  readonly column: Columns<string>;
  /** Holds `key` of the text. Searches and orders go by it. */
  readonly keyColumn: Columns<string>;
  readonly key: (text: string) => string;
  /** Whether the case of letters counts where the whole text is compared. */
  readonly caseSensitive: boolean;
  readonly read: (from: user.User) => string;
}

export type Field = NumberField | TextField;

export const name: TextField = {
  kind: 'text',
  name: 'name',
  column: 'name',
  keyColumn: 'name_key',
  key: nameKey,
  caseSensitive: true,
  read: (from) => from.name,
};

export const email: TextField = {
  kind: 'text',
  name: 'email',
  column: 'email',
  keyColumn: 'email_key',
  key: emailKey,
  caseSensitive: false,
  read: (from) => from.email,
};

const fields: readonly Field[] = [
  {
    kind: 'integer',
    name: 'id',
    column: 'id',
    range: [0n, 2n ** 63n - 1n],
    read: ({ id }) => BigInt(id),
  },
  name,
  email,
  {
    kind: 'integer',
    name: 'age',
    column: 'age',
    unknown: -1n,
    range: [-(2n ** 31n), 2n ** 31n - 1n],
    read: ({ age }) => (age == null ? undefined : BigInt(age)),
  },
  { kind: 'type', name: 'type', column: 'type', read: ({ type }) => BigInt(type) },
  { kind: 'time', name: 'create_time', column: 'create_time_ms', read: ({ createTime }) => milliseconds(createTime) },
  { kind: 'time', name: 'update_time', column: 'update_time_ms', read: ({ updateTime }) => milliseconds(updateTime) },
  {
    kind: 'time',
    name: 'delete_time',
    column: 'delete_time_ms',
    unknown: 0n,
    read: ({ deleteTime }) => milliseconds(deleteTime),
  },
  {
    kind: 'time',
    name: 'purge_time',
    column: 'purge_time_ms',
    unknown: 0n,
    read: ({ purgeTime }) => milliseconds(purgeTime),
  },
];

/** The names of all fields, for a sentence. */
export const fieldNames = fields.map((field) => field.name).join(', ');

const byName = new Map(
  fields.flatMap((field) => [[field.name, field] as const, [camelCase(field.name), field] as const]),
);

/** The field with this name, written as in the contract or as in JSON: `create_time`, `createTime`. */
export function findField(written: string): Field | undefined {
  return byName.get(written);
}

function camelCase(snakeCase: string): string {
  return snakeCase.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function milliseconds(time: Timestamp | null): bigint | undefined {
  return time === null ? undefined : BigInt(time.seconds) * 1000n + BigInt(Math.floor(time.nanos / 1_000_000));
}
