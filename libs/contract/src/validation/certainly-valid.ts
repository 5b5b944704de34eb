import { type DescField, type DescMessage, getOption, hasOption, type Message } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import { reflect } from '@bufbuild/protobuf/reflect';
import {
  EnumRulesSchema,
  field as fieldRules,
  type FieldRules,
  FieldRulesSchema,
  Ignore,
  message as messageRules,
  RepeatedRulesSchema,
  StringRulesSchema,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** Whether a value keeps its rules for certain. */
type Check = (value: unknown) => boolean;

/** The check of a message or field that has rules which are not known here. */
const unknown = 'unknown';

const compiled = new WeakMap<DescMessage, Check>();

/**
 * Whether a message keeps the `buf.validate` rules of its proto for certain, found out some ten times as fast as
 * protovalidate does. The rules that our contracts use most are known here, and the check is compiled from them; where
 * there is any other rule, and where a rule is broken, the answer is false, and protovalidate has the last word.
 *
 * @param message in the shape of the codecs, or a message of protobuf-es
 */
export function isCertainlyValid(desc: DescMessage, message: object): boolean {
  let check = compiled.get(desc);
  if (check === undefined) {
    const found = messageCheck(desc, true, new Set());
    compiled.set(desc, (check = found === unknown ? () => false : found));
  }
  return check(message);
}

function messageCheck(desc: DescMessage, withRules: boolean, inside: Set<DescMessage>): Check | typeof unknown {
  // Members of a oneof stand elsewhere in a message of protobuf-es.
  if (desc.oneofs.length > 0 || inside.has(desc) || (withRules && hasOption(desc, messageRules))) return unknown;
  const within = new Set(inside).add(desc);
  const checks: [name: string, check: Check][] = [];
  for (const field of desc.fields) {
    const check = fieldCheck(field, withRules, within);
    if (check === unknown) return unknown;
    if (check !== undefined) checks.push([field.localName, check]);
  }
  return (message) => {
    const values = message as Record<string, unknown>;
    for (const [name, check] of checks) if (!check(values[name])) return false;
    return true;
  };
}

/** The check of a field with all that is inside it; undefined when any value passes. */
function fieldCheck(
  field: DescField,
  withRules: boolean,
  inside: Set<DescMessage>,
): Check | undefined | typeof unknown {
  const rules = withRules && hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined;
  const values = valueOf(rules === undefined ? [] : FieldRulesSchema.fields, FieldRulesSchema, rules);
  const { required, ignore = Ignore.UNSPECIFIED, ...others } = values as Partial<FieldRules>;
  const ignored = ignore === Ignore.ALWAYS;
  const kinds = Object.entries(others);
  if (kinds.length > 1) return unknown;
  const [kind, ofKind] = ignored ? [] : (kinds[0] ?? []);
  const isRequired = required === true && !ignored;

  switch (field.fieldKind) {
    case 'message': {
      if (kind !== undefined || ignore === Ignore.IF_ZERO_VALUE) return unknown;
      const inner = innerCheck(field.message, withRules && !ignored, inside);
      if (inner === unknown || (inner === undefined && !isRequired)) return inner;
      return (value) => (value == null ? !isRequired : inner === undefined || inner(value));
    }
    case 'list':
      return isRequired || ignore === Ignore.IF_ZERO_VALUE
        ? unknown
        : listCheck(field, kind, ofKind, withRules && !ignored, inside);
    case 'scalar':
    case 'enum': {
      if (isRequired) return unknown;
      const check = singularCheck(field, kind, ofKind);
      if (check === undefined || check === unknown) return check;
      const mayBeZero = ignore === Ignore.IF_ZERO_VALUE;
      return (value) => value == null || (mayBeZero && isZero(value)) || check(value);
    }
    case 'map':
      return unknown;
  }
}

function innerCheck(
  desc: DescMessage,
  withRules: boolean,
  inside: Set<DescMessage>,
): Check | undefined | typeof unknown {
  if (desc.typeName === 'google.protobuf.Timestamp' || desc.typeName === 'google.protobuf.Duration') return undefined;
  // Of the others the codecs make something else.
  return desc.typeName.startsWith('google.protobuf.') ? unknown : messageCheck(desc, withRules, inside);
}

function listCheck(
  field: DescField & { fieldKind: 'list' },
  kind: string | undefined,
  ofKind: unknown,
  withRules: boolean,
  inside: Set<DescMessage>,
): Check | undefined | typeof unknown {
  if (kind !== undefined && kind !== 'repeated') return unknown;
  const rules = valueOf(kind === undefined ? [] : RepeatedRulesSchema.fields, RepeatedRulesSchema, ofKind);
  const { minItems = 0n, maxItems = BigInt(Number.MAX_SAFE_INTEGER), items, ...others } = rules;
  if (Object.keys(others).length > 0) return unknown;
  const itemRules = valueOf(items === undefined ? [] : FieldRulesSchema.fields, FieldRulesSchema, items);
  const itemKinds = Object.entries(itemRules);
  const [itemKind, ofItemKind] = itemKinds[0] ?? [];
  if (itemKinds.length > 1 || (field.listKind === 'message' && itemKind !== undefined)) return unknown;
  const item =
    field.listKind === 'message'
      ? innerCheck(field.message, withRules, inside)
      : singularCheck(field, itemKind, ofItemKind);
  if (item === unknown) return unknown;
  const [least, max] = [Number(minItems), Number(maxItems)];
  return (value) => {
    const list = value as readonly unknown[];
    return list.length >= least && list.length <= max && (item === undefined || list.every(item));
  };
}

/** The check of one value that is no message. */
function singularCheck(field: DescField, kind: string | undefined, rules: unknown): Check | undefined | typeof unknown {
  if (field.enum !== undefined) {
    if (kind === undefined) return undefined;
    if (kind !== 'enum') return unknown;
    const { definedOnly, notIn = [], ...others } = valueOf(EnumRulesSchema.fields, EnumRulesSchema, rules);
    if (Object.keys(others).length > 0) return unknown;
    const [numbers, refused] = [new Set(field.enum.values.map(({ number }) => number)), new Set(notIn as number[])];
    return (value) => (definedOnly !== true || numbers.has(value as number)) && !refused.has(value as number);
  }
  switch (kind) {
    case undefined:
      return undefined;
    case 'string':
      return stringCheck(valueOf(StringRulesSchema.fields, StringRulesSchema, rules));
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64':
      return numberCheck(rules as Message);
    default:
      return unknown;
  }
}

/** The rule of protovalidate, which is that of HTML. @see https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address */
const email =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

/** Patterns that mean the same to RE2 and to JavaScript: one class of characters, any number of them. */
const plainPattern = /^\^\[\^?(?:\\x[0-9a-f]{2}|[!-,.-Z_a-z~\u00a1-\ud7ff\ue000-\uffff-])+\][*+]\$$/;

function stringCheck(rules: Record<string, unknown>): Check | typeof unknown {
  const { minLen = 0n, maxLen, pattern, email: isEmail, ...others } = rules;
  if (Object.keys(others).length > 0 || isEmail === false) return unknown;
  if (pattern !== undefined && !plainPattern.test(pattern as string)) return unknown;
  const expression = pattern === undefined ? undefined : new RegExp(pattern as string, 'u');
  // Lengths are in code points: a text has at least half as many as it has units, and at most as many.
  const [least, max] = [Number(minLen) * 2 - 1, maxLen === undefined ? Infinity : Number(maxLen)];
  return (value) => {
    const text = value as string;
    return (
      text.length >= least &&
      text.length <= max &&
      (expression === undefined || expression.test(text)) &&
      (isEmail !== true || email.test(text))
    );
  };
}

function numberCheck(rules: Message): Check | typeof unknown {
  const desc = FieldRulesSchema.fields.find(({ message }) => message?.typeName === rules.$typeName)?.message;
  if (desc === undefined) return unknown;
  const { gte, lte, ...others } = valueOf(desc.fields, desc, rules);
  if (Object.keys(others).length > 0) return unknown;
  const [least, max] = [gte as bigint | number | undefined, lte as bigint | number | undefined];
  if (least !== undefined && max !== undefined && least > max) return unknown; // it then means what lies outside
  return (value) => {
    const number = typeof value === 'string' ? (value.length < 16 ? Number(value) : BigInt(value)) : (value as bigint);
    return (least === undefined || number >= least) && (max === undefined || number <= max);
  };
}

/** The rules that are set, by their names. What is not known to the message itself is a rule named `$unknown`. */
function valueOf(fields: readonly DescField[], schema: DescMessage, rules: unknown): Record<string, unknown> {
  if (fields.length === 0) return {};
  const message = reflect(schema as GenMessage<Message>, rules as Message);
  const set = fields.filter((field) => message.isSet(field)).map((field) => [field.localName, raw(rules, field)]);
  if (message.getUnknown()?.length) set.push(['$unknown', true]);
  return Object.fromEntries(set) as Record<string, unknown>;
}

function raw(rules: unknown, field: DescField): unknown {
  const values = rules as Record<string, unknown>;
  return field.oneof === undefined
    ? values[field.localName]
    : (values[field.oneof.localName] as { readonly value?: unknown }).value;
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === 0n || value === '0' || value === false;
}
