import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';

type Fields = Record<string, unknown>;
type Change = (value: unknown) => unknown;

/**
 * Makes of messages of a type what the encoder takes. The generated types have a FieldMask as a list of paths, and a map
 * whose keys are booleans as a Map; the encoder takes a message, and an object.
 *
 * @returns undefined when it takes such messages as they are
 */
export function encodable(desc: DescMessage): ((message: object) => object) | undefined {
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
    const change = fieldChange(field, known);
    if (change !== undefined) changes.set(field.jsonName, change);
  }
  return changes;
}

function fieldChange(field: DescField, known: Map<DescMessage, Map<string, Change>>): Change | undefined {
  const ofValue = field.message === undefined ? undefined : messageChange(field.message, known);
  if (field.fieldKind === 'map') {
    if (hasBooleanKeys(field)) return (map) => fromBooleans(map as ReadonlyMap<boolean, unknown>, ofValue);
    return ofValue && ((map) => changedValues(map as Fields, ofValue));
  }
  if (field.fieldKind === 'list') return ofValue && ((list) => (list as unknown[]).map(ofValue));
  return ofValue;
}

function messageChange(desc: DescMessage, known: Map<DescMessage, Map<string, Change>>): Change | undefined {
  if (isMask(desc)) return fromPaths;
  if (!needsChange(desc, new Set())) return undefined;
  const inside = changesOf(desc, known);
  return (value) => applied(value as object, inside);
}

function changedValues(map: Fields, change: Change): Fields {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

/** Of the keys of an object, which are texts, the encoder takes all for true but the empty one. */
function fromBooleans(map: ReadonlyMap<boolean, unknown>, change: Change = (value) => value): Fields {
  return Object.fromEntries([...map].map(([key, value]) => [key ? 'true' : '', change(value)]));
}

function isMask(desc: DescMessage): boolean {
  return desc.typeName === 'google.protobuf.FieldMask';
}

function hasBooleanKeys(field: DescField): boolean {
  return field.fieldKind === 'map' && field.mapKey === ScalarType.BOOL;
}

function needsChange(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (isMask(desc)) return true;
  if (seen.has(desc)) return false;
  seen.add(desc);
  return desc.fields.some(
    (field) => hasBooleanKeys(field) || (field.message !== undefined && needsChange(field.message, seen)),
  );
}

function applied(message: object, changes: ReadonlyMap<string, Change>): object {
  const changed: Fields = { ...message };
  for (const [name, change] of changes) {
    if (changed[name] !== null && changed[name] !== undefined) changed[name] = change(changed[name]);
  }
  return changed;
}
