import { type DescEnum, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { isJsonObject } from '@rollcall/contract';
import { accepts } from '../schemas/accepts.ts';
import { plain } from '../writing/json.ts';
import { rangeOf } from '../schemas/number-rules.ts';

/** Which side of a call an example is for. */
export type Side = 'request' | 'response';

/** Texts for fields of these names, the first that fits the field's rules. An empty one stands for what is not set. */
const namedTexts: readonly (readonly [name: RegExp, request: string, response: string])[] = [
  [/(^|_)e?mail(_address)?$/, 'ada@example.com', 'ada@example.com'],
  [/name$/, 'Ada Lovelace', 'Ada Lovelace'],
  [/^key$/, 'key', 'key'],
  [/(^|_)id$/, '1', '1'],
  [/(^|_)etag$/, 'MTc2NzMyMjk4NQ', 'MTc2NzMyMjk4NQ'],
  [/^(resume|watch)_token$/, 'MTIz', 'MTIz'],
  [/(^|_)(uri|url|link)$/, 'https://example.com/', 'https://example.com/'],
  [/(^|_)room$/, 'lobby', 'lobby'],
  [/(^|_)(message|text|body|comment)$/, 'Hello, Ada', ''],
];

const formatTexts: Readonly<Record<string, string>> = {
  email: 'ada@example.com',
  uuid: '018f9d3e-5c1a-7b2c-9d4e-0123456789ab',
  uri: 'https://example.com/',
  'uri-reference': '/ada',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
};

/** A text for a field of this name that its schema lets through; undefined when none is found. */
export function textFor(name: string, schema: JsonObject, side: Side): JsonValue | undefined {
  const named = namedTexts.find(([pattern]) => pattern.test(name));
  const format = formatIn(schema);
  const shortest = Number(schema['minLength'] ?? 0);
  const wanted = [
    ...values(schema['examples']),
    schema['const'],
    ...values(schema['enum']),
    format === undefined ? undefined : formatTexts[format],
    ...(named === undefined ? [] : side === 'request' ? [named[1]] : [named[2], named[1]]),
    side === 'request' ? 'text' : '',
    'text',
    'a'.repeat(shortest),
    'A'.repeat(shortest),
    '1'.repeat(shortest),
    '',
  ];
  return wanted.find((text) => typeof text === 'string' && accepts(schema, text));
}

/** The first name of an enum, but the zero one, that the schema lets through. */
export function enumFor(desc: DescEnum, schema: JsonObject): JsonValue | undefined {
  const [zero, ...others] = desc.values.map(({ name }) => name);
  return [...values(schema['examples']), ...others, zero].find((name) => name !== undefined && accepts(schema, name));
}

/** Bytes in base64, as long as the rules ask for. */
export function bytesFor(rules: JsonObject | undefined): JsonValue {
  const own = isJsonObject(rules?.['bytes']) ? rules['bytes'] : {};
  const [given] = values(own['example'] ?? own['in']);
  const length = Number(
    own['len'] ?? Math.min(Math.max(3, Number(own['minLen'] ?? 0)), Number(own['maxLen'] ?? Infinity)),
  );
  return (
    given ??
    own['const'] ??
    Buffer.from(Uint8Array.from({ length }, (_, index) => (index + 1) % 256)).toString('base64')
  );
}

/** A number that follows the rules of its kind, `int32` or `double`, as near to the wanted one as they let it be. */
export function numberFor(kind: string, rules: JsonObject | undefined, wanted: number): JsonValue {
  const own = isJsonObject(rules?.[kind]) ? rules[kind] : {};
  const [given] = [...values(own['example']), ...values(own['in'])];
  const fixed = own['const'] ?? given;
  if (fixed !== undefined) return fixed;
  const { lower, upper } = rangeOf(own);
  const low = lower && wholeNumber(lower.value, 'up') + (lower.inclusive || !isWhole(lower.value) ? 0n : 1n);
  const high = upper && wholeNumber(upper.value, 'down') - (upper.inclusive || !isWhole(upper.value) ? 0n : 1n);
  if (
    lower !== undefined &&
    upper !== undefined &&
    Number(upper.value) >= Number(lower.value) &&
    Number(low) > Number(high)
  ) {
    return (Number(lower.value) + Number(upper.value)) / 2; // no whole number lies between
  }
  let value = BigInt(wanted);
  if (high !== undefined && value > high) value = high;
  if (low !== undefined && value < low) value = low; // also where the range is all that lies outside of its ends
  const refused = values(own['notIn']).map(String);
  while (refused.includes(String(value))) value++;
  return kind.endsWith('64') ? String(value) : Number(value);
}

function values(list: JsonValue | undefined): JsonValue[] {
  return Array.isArray(list) ? list : [];
}

/** The format that a schema asks for, at its top or in one of its parts. */
function formatIn(schema: JsonObject): string | undefined {
  const { format } = schema;
  if (typeof format === 'string') return format;
  const parts = [...values(schema['anyOf']), ...values(schema['allOf'])].filter(isJsonObject);
  return parts.map(formatIn).find((found) => found !== undefined);
}

function isWhole(value: JsonValue): boolean {
  return Number.isInteger(Number(value));
}

function wholeNumber(value: JsonValue, towards: 'up' | 'down'): bigint {
  if (typeof value === 'number') return BigInt(towards === 'up' ? Math.ceil(value) : Math.floor(value));
  return BigInt(plain(value)); // 64-bit numbers are text
}
