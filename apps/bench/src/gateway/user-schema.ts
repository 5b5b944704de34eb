import { user } from '@rollcall/proto';

/** The pattern that the standard of `string.email` gives. @see https://html.spec.whatwg.org/#valid-e-mail-address */
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
export const emailPattern = `^[a-zA-Z0-9.!#$%&'*+/=?^_\`{|}~-]+@${label}(?:\\.${label})*$`;

/** No control characters. */
export const namePattern = '^[^\\u0000-\\u001f\\u007f]*$';

/** A whole number in decimal up to 9223372036854775807, which is too large to compare as a number. */
export const idPattern = `^(?:0|[1-9]\\d{0,17}|${upTo('9223372036854775807')})$`;

/** What is as long as a number in decimal, starts with 1 to 9, and is not greater. */
function upTo(max: string): string {
  const smaller = Array.from(max).flatMap((digit, index) => {
    const min = index === 0 ? 1 : 0;
    const rest = max.length - index - 1;
    return Number(digit) > min ? `${max.slice(0, index)}[${min}-${Number(digit) - 1}]\\d{${rest}}` : [];
  });
  return [...smaller, max].join('|');
}

const typeNames = Object.keys(user.UserType).filter((name) => name.startsWith('USER_TYPE_'));
const typeNumbers = typeNames.map((_, number) => number);

const properties = {
  id: { type: 'string', pattern: idPattern },
  name: { type: 'string', minLength: 1, maxLength: 200, pattern: namePattern },
  email: { type: 'string', maxLength: 254, pattern: `^$|${emailPattern}` },
  age: { type: 'integer', minimum: 0, maximum: 150 },
  type: { enum: [...typeNames, ...typeNumbers] },
  createTime: { type: 'string' },
  updateTime: { type: 'string' },
  deleteTime: { type: 'string' },
  purgeTime: { type: 'string' },
  etag: { type: 'string', maxLength: 64 },
} as const;

/** The rules that `proto/rollcall/user/v1/user.proto` states, over ProtoJSON. */
export const newUserSchema = { type: 'object', required: ['name'], additionalProperties: false, properties } as const;

/** The rules of a CreateUserRequest, over ProtoJSON. */
export const createUserRequestSchema = {
  type: 'object',
  required: ['user'],
  additionalProperties: false,
  properties: { user: newUserSchema, requestId: { type: 'string', maxLength: 128, pattern: '^[!-~]*$' } },
} as const;

/** A user as it is answered, for a serializer. */
export const userSchema = {
  type: 'object',
  properties: { ...properties, type: { type: 'string' } },
} as const;
