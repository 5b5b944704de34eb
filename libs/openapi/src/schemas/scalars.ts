import { type DescMessage, type JsonObject, ScalarType } from '@bufbuild/protobuf';
import { isJsonObject } from '@rollcall/contract';

/** Doubles that JSON has no numbers for are written as strings. */
const unboundNumbers = { enum: ['NaN', 'Infinity', '-Infinity'] };

/** What ProtoJSON writes for a scalar. @see https://protobuf.dev/programming-guides/json/ */
export function scalarSchema(scalar: ScalarType): JsonObject {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: 'string' };
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.DOUBLE:
      return { anyOf: [{ type: 'number', format: 'double' }, unboundNumbers] };
    case ScalarType.FLOAT:
      return { anyOf: [{ type: 'number', format: 'float' }, unboundNumbers] };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: 'integer', format: 'int32' };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: 'integer', format: 'uint32', minimum: 0, maximum: 4294967295 };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return { type: 'string', format: 'int64', pattern: longPattern('int64') };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: 'string', format: 'uint64', pattern: longPattern('uint64') };
  }
}

const longs = { int64: [-(2n ** 63n), 2n ** 63n - 1n], uint64: [0n, 2n ** 64n - 1n] } as const;

/** The pattern of the decimal numbers of a type with 64 bits: its sign, no zeros before it, and how many digits it has. */
export function longPattern(
  kind: keyof typeof longs,
  least: bigint = longs[kind][0],
  max: bigint = longs[kind][1],
): string {
  const digits = Math.max(...[least, max].map((end) => String(end).replace('-', '').length));
  const positive = `[1-9]${digits > 1 ? `[0-9]{0,${digits - 1}}` : ''}`;
  if (least >= 1n) return `^${positive}$`;
  return `^${least < 0n ? '-?' : ''}(0|${positive})$`;
}

/**
 * What ProtoJSON writes for a message of google.protobuf that has a form of its own.
 *
 * @returns undefined when it is written field by field, as any other message
 */
export function wellKnownSchema(desc: DescMessage): JsonObject | undefined {
  switch (desc.typeName) {
    case 'google.protobuf.Timestamp':
      return { type: 'string', format: 'date-time' };
    case 'google.protobuf.Duration':
      return { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]{1,9})?s$', description: 'Seconds, such as `1.5s`.' };
    case 'google.protobuf.FieldMask':
      return {
        type: 'string',
        pattern: '^([A-Za-z0-9_.]+(,[A-Za-z0-9_.]+)*)?$',
        description: 'Paths of fields, separated by commas.',
      };
    case 'google.protobuf.Any':
      return {
        type: 'object',
        properties: { '@type': { type: 'string', description: 'Ends in `/` and the full name of the message.' } },
        additionalProperties: true,
        description: 'Any message: its fields beside `@type`, or its form of its own in `value`.',
      };
    case 'google.protobuf.Struct':
      return { type: 'object', additionalProperties: true, description: 'Any JSON object.' };
    case 'google.protobuf.ListValue':
      return { type: 'array', items: {}, description: 'Any JSON array.' };
    case 'google.protobuf.Value':
      return { description: 'Any JSON value.' };
    case 'google.protobuf.Empty':
      return { type: 'object' };
    default:
      return wrapperSchema(desc);
  }
}

/** Wrappers are written as the value that they hold, or null. */
function wrapperSchema({ typeName, field }: DescMessage): JsonObject | undefined {
  if (!/^google\.protobuf\.(Bool|Bytes|Double|Float|String|U?Int(32|64))Value$/.test(typeName)) return undefined;
  const scalar = field['value']?.scalar;
  return scalar === undefined ? undefined : orNull(scalarSchema(scalar));
}

/** The schema, or null. */
export function orNull(schema: JsonObject): JsonObject {
  const { type, anyOf } = schema;
  const isEnumerated = schema['$ref'] !== undefined || schema['enum'] !== undefined || schema['const'] !== undefined;
  if (isEnumerated) {
    const { description, ...rest } = schema;
    return { ...(description !== undefined && { description }), anyOf: [rest, { type: 'null' }] };
  }
  return {
    ...schema,
    ...(typeof type === 'string' && { type: [type, 'null'] }),
    ...(Array.isArray(anyOf) && { anyOf: [...anyOf, { type: 'null' }] }),
  };
}

/** The schema without null, as a parameter has it. */
export function notNull(schema: JsonObject): JsonObject {
  const { type, anyOf } = schema;
  return {
    ...schema,
    ...(Array.isArray(type) && { type: type.find((name) => name !== 'null') ?? 'null' }),
    ...(Array.isArray(anyOf) && { anyOf: anyOf.filter((part) => !isJsonObject(part) || part['type'] !== 'null') }),
  };
}
