import type { UserJson, UserTypeJson } from '@rollcall/proto/json';

/** A user as REST answers one: what the contract gives a default is always there. */
export type User = UserJson & Required<Pick<UserJson, 'id' | 'name' | 'email' | 'type' | 'etag'>>;

/** The types that a user may have, and what they are called. */
export const typeNames = {
  USER_TYPE_NORMAL: 'Normal',
  USER_TYPE_ADMINISTRATOR: 'Administrator',
  USER_TYPE_GUEST: 'Guest',
  USER_TYPE_DISABLED: 'Disabled',
} as const satisfies Partial<Record<UserTypeJson, string>>;

export type KnownType = keyof typeof typeNames;

export function isKnownType(text: string): text is KnownType {
  return text in typeNames;
}

export function typeName(type: UserTypeJson): string {
  return isKnownType(type) ? typeNames[type] : 'Unknown';
}

/** A user with the defaults of the contract. */
export function wholeUser(user: UserJson): User {
  return {
    ...user,
    id: user.id ?? '0',
    name: user.name ?? '',
    email: user.email ?? '',
    type: user.type ?? 'USER_TYPE_UNSPECIFIED',
    etag: user.etag ?? '',
  };
}
