import { type DescField, type DescMessage, getOption } from '@bufbuild/protobuf';
import { Cursor, cursor } from '@rollcall/contract';

type Message = Readonly<Record<string, unknown>>;

/**
 * Finds the cursor of the last item in a message of a stream, by the option that marks it in the proto: in the message
 * itself, or in the last element of a list.
 *
 * @returns undefined when items of the type have no cursor
 */
export function cursorReader(output: DescMessage): ((message: Message) => string | undefined) | undefined {
  const own = output.fields.find(isCursor);
  if (own !== undefined) return (message) => textOf(message[own.jsonName]);
  for (const list of output.fields) {
    const inside = list.fieldKind === 'list' ? list.message?.fields.find(isCursor) : undefined;
    if (inside === undefined) continue;
    return (message) => {
      const items = message[list.jsonName];
      const last: unknown = Array.isArray(items) ? items.at(-1) : undefined;
      return typeof last === 'object' && last !== null ? textOf((last as Message)[inside.jsonName]) : undefined;
    };
  }
  return undefined;
}

function isCursor(field: DescField): boolean {
  return getOption(field, cursor) === Cursor.EVENT_ID;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
