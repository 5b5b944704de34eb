import type { DescField, DescMessage } from '@bufbuild/protobuf';

type Fields = Record<string, unknown>;
type Change = (value: unknown) => unknown;

/**
 * Makes a message of every FieldMask in messages of a type, for the encoder: the generated types have it as a list of
 * paths.
 *
 * @returns undefined when such messages hold no FieldMask
 */
export function withMaskMessages(desc: DescMessage): ((message: object) => object) | undefined {
  const changes = changesOf(desc, new Map());
  return changes.size === 0 ? undefined : (message) => applied(message, changes);
}

const fromPaths: Change = (paths) => ({ paths });

function changesOf(desc: DescMessage, known: Map<DescMessage, Map<string, Change>>): Map<string, Change> {
  const before = known.get(desc);
  if (before !== undefined) return before;
  const changes = new Map<string, Change>();
  known.set(desc, changes); // a message may hold itself
  for (const field of desc.fields) {
    if (field.message === undefined || !holdsMask(field.message, new Set())) continue;
    if (isMask(field.message)) changes.set(field.jsonName, inField(field, fromPaths));
    else {
      const inside = changesOf(field.message, known);
      changes.set(
        field.jsonName,
        inField(field, (value) => applied(value as object, inside)),
      );
    }
  }
  return changes;
}

function isMask(desc: DescMessage): boolean {
  return desc.typeName === 'google.protobuf.FieldMask';
}

function holdsMask(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (isMask(desc)) return true;
  if (seen.has(desc)) return false;
  seen.add(desc);
  return desc.fields.some((field) => field.message !== undefined && holdsMask(field.message, seen));
}

function inField(field: DescField, change: Change): Change {
  if (field.fieldKind === 'list') return (list) => (list as unknown[]).map(change);
  if (field.fieldKind === 'map') {
    return (map) => Object.fromEntries(Object.entries(map as Fields).map(([key, value]) => [key, change(value)]));
  }
  return change;
}

function applied(message: object, changes: ReadonlyMap<string, Change>): object {
  const changed: Fields = { ...message };
  for (const [name, change] of changes) {
    if (changed[name] !== null && changed[name] !== undefined) changed[name] = change(changed[name]);
  }
  return changed;
}
