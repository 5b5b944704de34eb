import { type DescField, type DescMessage, getOption, hasOption, ScalarType } from '@bufbuild/protobuf';
import { field as fieldRules, type FieldRules } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** What precedes a value: its tag and its length. */
const headBytes = 10;
const numberBytes = 10;
/** The most that one character takes. */
const characterBytes = 4;

/**
 * The size of the largest message that keeps the rules of its proto, in bytes, or a little more; Infinity when the rules do
 * not bound it.
 */
export function largestMessage(desc: DescMessage): number {
  return largest(desc, new Set());
}

function largest(desc: DescMessage, inside: ReadonlySet<DescMessage>): number {
  if (inside.has(desc)) return Infinity;
  const within = new Set(inside).add(desc);
  let bytes = 0;
  for (const field of desc.fields) bytes += largestField(field, within);
  return bytes;
}

function largestField(field: DescField, inside: ReadonlySet<DescMessage>): number {
  const rules = hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined;
  switch (field.fieldKind) {
    case 'enum':
      return headBytes + numberBytes;
    case 'scalar':
      return headBytes + largestScalar(field.scalar, rules);
    case 'message':
      return headBytes + largest(field.message, inside);
    case 'list': {
      const list = rules?.type.case === 'repeated' ? rules.type.value : undefined;
      const item =
        field.listKind === 'message'
          ? largest(field.message, inside)
          : field.listKind === 'scalar'
            ? largestScalar(field.scalar, list?.items)
            : numberBytes;
      return list === undefined || list.maxItems === 0n ? Infinity : Number(list.maxItems) * (headBytes + item);
    }
    case 'map':
      return Infinity;
  }
}

function largestScalar(scalar: ScalarType, rules: FieldRules | undefined): number {
  if (scalar !== ScalarType.STRING && scalar !== ScalarType.BYTES) return numberBytes;
  const { type } = rules ?? { type: { case: undefined } };
  const bounds =
    type.case === 'string'
      ? [
          [type.value.maxBytes, 1],
          [type.value.lenBytes, 1],
          [type.value.maxLen, characterBytes],
          [type.value.len, characterBytes],
        ]
      : type.case === 'bytes'
        ? [
            [type.value.maxLen, 1],
            [type.value.len, 1],
          ]
        : [];
  // Zero stands for a rule that is not there.
  return Math.min(
    Infinity,
    ...bounds.map(([max, each]) => (Number(max) === 0 ? Infinity : Number(max) * Number(each))),
  );
}
