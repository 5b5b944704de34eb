import { isKnownType, type KnownType, type User } from './user/user.ts';

export const columns = ['name', 'email', 'type', 'age', 'id', 'updateTime'] as const;
export type Column = (typeof columns)[number];

/** Which users are shown, and in which order. */
export interface Query {
  readonly text: string;
  readonly type: KnownType | 'DELETED' | undefined;
  readonly sort: Column;
  readonly falling: boolean;
}

/** Reads a query from the address. */
export function queryOf(parameters: URLSearchParams): Query {
  const type = parameters.get('type') ?? '';
  const named = `USER_TYPE_${type}`;
  const sort = parameters.get('sort') ?? '';
  return {
    text: parameters.get('q') ?? '',
    type: isKnownType(named) ? named : type === 'DELETED' ? type : undefined,
    sort: columns.find((column) => column === sort.replace(/^-/, '')) ?? 'id',
    falling: sort.startsWith('-'),
  };
}

/** Writes it there. What is as it always is, is left out. */
export function addressOf({ text, type, sort, falling }: Query): string {
  const parameters = new URLSearchParams();
  if (text !== '') parameters.set('q', text);
  if (type !== undefined) parameters.set('type', type.replace('USER_TYPE_', ''));
  if (sort !== 'id' || falling) parameters.set('sort', `${falling ? '-' : ''}${sort}`);
  return parameters.size === 0 ? '#/' : `#/?${parameters.toString()}`;
}

const words = (text: string): string[] => text.toLowerCase().split(/\s+/).filter(Boolean);
const isId = (word: string): boolean => /^[1-9]\d{0,18}$/.test(word);
const quoted = (text: string): string => `"${text.replace(/["\\*]/g, '\\$&')}"`;

/** The filter of the contract that finds them. */
export function filterOf({ text, type }: Pick<Query, 'text' | 'type'>): string {
  const parts = words(text).map((word) => (isId(word) ? `(id = ${word} OR ${quoted(word)})` : quoted(word)));
  if (type === 'DELETED') parts.push('deleteTime:*');
  else if (type !== undefined) parts.push(`type = ${type}`);
  return parts.join(' AND ');
}

export function orderOf({ sort, falling }: Query): string {
  return sort === 'id' && !falling ? '' : `${sort}${falling ? ' desc' : ''}`;
}

/** Whether the filter lets a user through, for changes that come after the list. */
export function matches({ text, type }: Query, user: User): boolean {
  if ((user.deleteTime !== undefined) !== (type === 'DELETED')) return false;
  if (type !== undefined && type !== 'DELETED' && user.type !== type) return false;
  const [name, email] = [user.name.toLowerCase(), user.email.toLowerCase()];
  return words(text).every((word) => name.includes(word) || email.includes(word) || user.id === word);
}

/** Which of two users comes first in the list. */
export function compare({ sort, falling }: Query, a: User, b: User): number {
  const order = inColumn[sort](a, b) || byId(a, b);
  return falling ? -order : order;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byId = (a: User, b: User): number => a.id.length - b.id.length || byText(a.id, b.id);
const typeOrder = ['USER_TYPE_NORMAL', 'USER_TYPE_ADMINISTRATOR', 'USER_TYPE_GUEST', 'USER_TYPE_DISABLED'];

const inColumn: Readonly<Record<Column, (a: User, b: User) => number>> = {
  id: byId,
  name: (a, b) => byText(a.name.toLowerCase(), b.name.toLowerCase()),
  email: (a, b) => byText(a.email.toLowerCase(), b.email.toLowerCase()),
  type: (a, b) => typeOrder.indexOf(a.type) - typeOrder.indexOf(b.type),
  age: (a, b) => (a.age ?? -1) - (b.age ?? -1),
  updateTime: (a, b) => Date.parse(a.updateTime ?? '') - Date.parse(b.updateTime ?? ''),
};
