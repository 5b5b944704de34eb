import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { plain } from '../writing/json.ts';
import { type Keywords, unknownNote } from './keywords.ts';
import { longPattern } from './scalars.ts';

/** The two ends of a range of numbers or times. */
export interface Range {
  readonly lower?: { readonly value: JsonValue; readonly inclusive: boolean };
  readonly upper?: { readonly value: JsonValue; readonly inclusive: boolean };
}

const rangeRules = new Set(['gt', 'gte', 'lt', 'lte']);

/**
 * The keywords of the rules of a number, or of a bool.
 *
 * @param kind the kind of number: `int32`, `uint64`, `double`. Those of 64 bits are text, so that their range is said in
 *   the description, but for the sign and how many digits there are.
 */
export function numberKeywords(kind: string, rules: JsonObject): Keywords {
  const isLong = kind.endsWith('64');
  const notes: string[] = [];
  const all: JsonObject[] = [];
  for (const [rule, value] of Object.entries(rules)) {
    if (rule === 'const') all.push({ const: value });
    else if (rule === 'in') all.push({ enum: value });
    else if (rule === 'notIn') all.push({ not: { enum: value } });
    else if (rule === 'example') all.push({ examples: value });
    else if (rule === 'finite') all.push({}); // the schema of the number says it
    else if (!rangeRules.has(rule)) notes.push(unknownNote(`${kind}.${rule}`, value));
  }
  const range = rangeOf(rules);
  const number = isLong ? (value: JsonValue) => BigInt(plain(value)) : Number;
  const reversed = isReversed(range, number);
  if (isLong) {
    notes.push(...rangeNotes(range, reversed));
    const { lower, upper } = range;
    const end = (of: NonNullable<typeof lower>, inward: bigint): bigint =>
      BigInt(plain(of.value)) + (of.inclusive ? 0n : inward);
    if (!reversed && (lower !== undefined || upper !== undefined)) {
      const type = /^u|^fixed/.test(kind) ? 'uint64' : 'int64';
      all.push({ pattern: longPattern(type, lower && end(lower, 1n), upper && end(upper, -1n)) });
    }
  } else {
    const lower = range.lower && { [range.lower.inclusive ? 'minimum' : 'exclusiveMinimum']: range.lower.value };
    const upper = range.upper && { [range.upper.inclusive ? 'maximum' : 'exclusiveMaximum']: range.upper.value };
    if (reversed) all.push({ anyOf: [{ ...lower }, { ...upper }] });
    else all.push({ ...lower, ...upper });
  }
  return { all: all.filter((part) => Object.keys(part).length > 0), notes };
}

/** The sentences of the rules of a Duration, Timestamp or FieldMask, none of which has keywords but `const`. */
export function timeKeywords(kind: string, rules: JsonObject): Keywords {
  const notes = Object.entries(rules).flatMap(([rule, value]): string[] => {
    if (rangeRules.has(rule) || rule === 'const' || rule === 'example') return [];
    if (rule === 'in') return [`One of ${words(value)}.`];
    if (rule === 'notIn') return [`None of ${words(value)}.`];
    if (rule === 'ltNow') return value === true ? ['Must be in the past.'] : [];
    if (rule === 'gtNow') return value === true ? ['Must be in the future.'] : [];
    if (rule === 'within') return [`Must be within \`${plain(value)}\` of the present.`];
    return [unknownNote(`${kind}.${rule}`, value)];
  });
  if (rules['const'] !== undefined) notes.push(`Must be \`${plain(rules['const'])}\`.`);
  const range = rangeOf(rules);
  notes.push(
    ...rangeNotes(
      range,
      isReversed(
        range,
        kind === 'duration' ? (value) => Number.parseFloat(plain(value)) : (value) => Date.parse(plain(value)),
      ),
    ),
  );
  const { example } = rules;
  return { all: example === undefined ? [] : [{ examples: example }], notes };
}

/** The range that `gt`, `gte`, `lt` and `lte` set. */
export function rangeOf({ gt, gte, lt, lte }: JsonObject): Range {
  const lower = gt ?? gte;
  const upper = lt ?? lte;
  return {
    ...(lower !== undefined && { lower: { value: lower, inclusive: gt === undefined } }),
    ...(upper !== undefined && { upper: { value: upper, inclusive: lt === undefined } }),
  };
}

/** Whether the range is all that lies outside of it: the upper end lies below the lower one. */
function isReversed({ lower, upper }: Range, number: (value: JsonValue) => number | bigint): boolean {
  if (lower === undefined || upper === undefined) return false;
  const [low, high] = [number(lower.value), number(upper.value)];
  return high < low || (high === low && !lower.inclusive && !upper.inclusive);
}

function rangeNotes({ lower, upper }: Range, reversed: boolean): string[] {
  const from = lower && `${lower.inclusive ? 'at least' : 'more than'} \`${plain(lower.value)}\``;
  const to = upper && `${upper.inclusive ? 'at most' : 'less than'} \`${plain(upper.value)}\``;
  const sentence = [from, to].filter((part) => part !== undefined).join(reversed ? ' or ' : ' and ');
  return sentence === '' ? [] : [`${sentence[0]?.toUpperCase()}${sentence.slice(1)}.`];
}

function words(value: JsonValue): string {
  return Array.isArray(value) ? value.map((item) => `\`${plain(item)}\``).join(', ') : `\`${plain(value)}\``;
}
