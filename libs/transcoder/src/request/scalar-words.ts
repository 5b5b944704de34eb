import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { describeField, isPlainInteger, type Json } from '@rollcall/contract';

/** A word of a path, a query or a header: the JSON that it stands for, or why it is none of the field. */
export type Word =
  | { readonly value: Json; readonly fault?: undefined }
  | { readonly value?: undefined; readonly fault: string };

const integers = new Set([
  ScalarType.INT32,
  ScalarType.INT64,
  ScalarType.UINT32,
  ScalarType.UINT64,
  ScalarType.SINT32,
  ScalarType.SINT64,
  ScalarType.FIXED32,
  ScalarType.FIXED64,
  ScalarType.SFIXED32,
  ScalarType.SFIXED64,
]);

/**
 * Reads a word for a field. Whole numbers have one form, so that a resource has one path: without a plus, a point, an
 * exponent, or zeros before them. Everything else is left to the reader of messages.
 */
export function readWord(field: DescField, text: string): Word {
  const single = wrapped(field.message) ?? field;
  const { scalar } = single;
  if (scalar !== undefined && integers.has(scalar) && !isPlainInteger(text)) return { fault: describeField(single) };
  if (scalar === ScalarType.BOOL && (text === 'true' || text === 'false')) return { value: text === 'true' };
  if (field.enum !== undefined && isPlainInteger(text)) return { value: Number(text) };
  return { value: text };
}

/** The value in a wrapper, such as a BoolValue. */
function wrapped(desc: DescMessage | undefined): DescField | undefined {
  return desc !== undefined && /^google\.protobuf\.\w+Value$/.test(desc.typeName) ? desc.fields[0] : undefined;
}
