import { isKnownType } from '../directory/user/user.ts';

/** What is wrong with a value that the service could not even read: it ends the part of the import that holds it. */
const faults: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  id: (value) => (isWhole(value, 20) ? undefined : 'must be a whole number'),
  name: textFault,
  email: textFault,
  age: (value) => (isWhole(value, 9) ? undefined : 'must be a whole number'),
  type: (value) =>
    isWhole(value, 9) || (typeof value === 'string' && isKnownType(value))
      ? undefined
      : 'must be USER_TYPE_NORMAL, USER_TYPE_ADMINISTRATOR, USER_TYPE_GUEST or USER_TYPE_DISABLED',
  createTime: timeFault,
  updateTime: timeFault,
};

function isWhole(value: unknown, mostDigits: number): boolean {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  return /^\d+$/.test(text) && text.length <= mostDigits;
}

function textFault(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a text';
  return value.isWellFormed() ? undefined : 'must be whole characters';
}

function timeFault(value: unknown): string | undefined {
  const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d/.test(value);
  return isTime && !Number.isNaN(Date.parse(value)) ? undefined : 'must be a time such as 2026-01-31T12:00:00Z';
}

/** The fields of a user that an import takes; those that are null are not given. */
export function importedFields(user: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(user).filter(
      ([field, value]) => Object.hasOwn(faults, field) && value !== null && value !== undefined,
    ),
  );
}

/** The first field whose value could not be read, and why. */
export function unreadable(user: Readonly<Record<string, unknown>>): { field: string; wrong: string } | undefined {
  for (const [field, value] of Object.entries(user)) {
    const wrong = faults[field]?.(value);
    if (wrong !== undefined) return { field, wrong: `${wrong}, not ${JSON.stringify(value)?.slice(0, 60)}` };
  }
  return undefined;
}
