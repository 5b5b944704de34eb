import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { Random } from './random.ts';
import { type Kind, kindOf, kindOfField, meaningOf } from './deviations.ts';
import { anyJson, numberText, rare, valueText } from './values.ts';

/** A piece of JSON as it is sent, and as protobuf-es would have to be given it; undefined when it is refused. */
export interface Piece {
  readonly sent: string;
  readonly meant: string | undefined;
}

/** A document for a message, mutated by the grammar of JSON and of its fields. */
export function randomDocument(desc: DescMessage, omitted: ReadonlySet<DescField>, random: Random): Piece {
  if (random.chance(200)) return same(anyJson(random));
  return object(desc, omitted, random, 0);
}

const same = (sent: string): Piece => ({ sent, meant: sent });
const value = (kind: Kind, sent: string): Piece => ({ sent, meant: meaningOf(kind, sent) });

interface Member {
  /** The name in JSON, with its quotes. */
  readonly name: Piece;
  readonly of: DescField | undefined;
  readonly value: Piece;
}

function object(desc: DescMessage, omitted: ReadonlySet<DescField>, random: Random, depth: number): Piece {
  const members: Member[] = [];
  // Few of many fields: of a document with much that may be wrong, little is learned.
  const one = Math.max(2, Math.floor(desc.fields.length / 4));
  for (const field of desc.fields) {
    if (omitted.has(field) || !random.chance(one)) continue;
    members.push(member(field, random, depth));
    if (random.chance(rare)) members.push(member(field, random, depth));
  }
  if (random.chance(rare))
    members.push({
      name: same(random.pick(['"no field"', '"__proto__"', '""', '"constructor"'])),
      of: undefined,
      value: same(anyJson(random)),
    });
  return joined(members, random);
}

function member(field: DescField, random: Random, depth: number): Member {
  return {
    name: same(JSON.stringify(random.pick([field.jsonName, field.name]))),
    of: field,
    value: fieldValue(field, random, depth),
  };
}

/** An object; see `deviationsOfObjects`. */
function joined(members: readonly Member[], random: Random): Piece {
  const space = random.chance(10) ? ' \n' : '';
  const names = members.map(({ name }) => JSON.parse(name.sent) as string);
  const isTwice = new Set(names).size < names.length;
  const there = members.filter(({ of, value: { sent } }) => of?.oneof === undefined || sent !== 'null');
  const isMeant = !isTwice && there.every((each) => each.name.meant !== undefined && each.value.meant !== undefined);
  return {
    sent: `{${members.map((each) => `${each.name.sent}:${space}${each.value.sent}`).join(`,${space}`)}}`,
    meant: isMeant ? `{${there.map((each) => `${each.name.meant}:${each.value.meant}`).join()}}` : undefined,
  };
}

function fieldValue(field: DescField, random: Random, depth: number): Piece {
  if (random.chance(40)) return same('null');
  if (random.chance(rare)) return wrongType(field, random);
  const count = random.below(3);
  if (field.fieldKind === 'list') {
    const items = Array.from({ length: count }, () => single(field, random, depth));
    const isMeant = items.every(({ meant }) => meant !== undefined);
    return {
      sent: `[${items.map(({ sent }) => sent).join()}]`,
      meant: isMeant ? `[${items.map(({ meant }) => meant).join()}]` : undefined,
    };
  }
  if (field.fieldKind !== 'map') return single(field, random, depth);
  const kind = kindOf(field.mapKey);
  const entries = Array.from({ length: count }, () => {
    const key =
      kind === 'whole number'
        ? `"${numberText(random).replaceAll('"', '')}"`
        : kind === 'boolean'
          ? random.pick(['"true"', '"false"', '"1"'])
          : random.pick(['""', '"a"', '"ü"', '"\\u0061"']);
    return { name: value(kind, key), of: undefined, value: single(field, random, depth) };
  });
  return joined(entries, random);
}

/** A value of another type, which the kind of the field does not change. */
function wrongType(field: DescField, random: Random): Piece {
  const sent = anyJson(random);
  const kind = field.fieldKind === 'list' || field.fieldKind === 'map' ? undefined : kindOfField(field);
  return kind === undefined ? same(sent) : value(kind, sent);
}

function single(field: DescField, random: Random, depth: number): Piece {
  const kind = kindOfField(field);
  if (kind === undefined) {
    if (field.message === undefined) throw new Error(`${String(field)} has no kind`);
    return depth > 3 ? same('{}') : object(field.message, new Set(), random, depth + 1);
  }
  return value(kind, valueText(kind, field, random));
}
