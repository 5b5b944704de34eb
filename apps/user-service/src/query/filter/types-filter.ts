import type { user } from '@rollcall/proto';
import { findField } from '../fields.ts';
import { everyone, type Filter } from './filter.ts';

/** Lets users of these types through, and everyone when none is given. */
export function typesFilter(types: readonly user.UserType[]): Filter {
  const field = findField('type');
  if (field === undefined || field.kind === 'text') throw new Error('users have a type');
  const filters = [...new Set(types)].map((type): Filter => ({
    kind: 'number',
    field,
    operator: '=',
    value: BigInt(type),
  }));
  const [only] = filters;
  if (only === undefined) return everyone;
  return filters.length === 1 ? only : { kind: 'or', filters };
}
