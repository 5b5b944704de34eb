import type { Random } from './random.ts';

/** A field as it stands on the wire. */
interface Record {
  readonly number: number;
  readonly wireType: number;
  /** The value; of one with a length, what follows the length. */
  readonly value: Buffer;
  /** How many bytes too many the tag and the length take. */
  readonly longTag?: number;
  readonly longLength?: number;
  /** The length that is claimed, where it is not that of the value. */
  readonly claimed?: number;
}

/**
 * Bytes that are nearly those of a message: with overlong varints, wrong wire types, groups, fields that come twice, split
 * texts, bad UTF-8, unknown fields, lengths that are wrong.
 *
 * @param others further messages of the kind, of which fields are taken
 */
export function mutated(bytes: Buffer, others: readonly Buffer[], random: Random, depth = 0): Buffer {
  const records = recordsOf(bytes);
  const at = random.below(records?.length ?? 0);
  const record = records?.[at];
  if (records === undefined || record === undefined) return scrambled(bytes, random);
  switch (random.below(13)) {
    case 0:
      records[at] = { ...record, longTag: random.below(6) };
      break;
    case 1:
      records[at] = { ...record, longLength: random.pick([1, 2, 3, 4, 5, 6, 8, 9, 10]) };
      if (record.wireType === 0) records[at] = { ...record, value: longer(record.value, random.below(12)) };
      break;
    case 2:
      records[at] = { ...record, wireType: random.below(8) };
      break;
    case 3:
      records.splice(at, 0, group(random.chance(2) ? record.number : 900, [record], random));
      break;
    case 4: {
      const more = recordsOf(random.pick(others)) ?? [];
      records.splice(random.below(records.length + 1), 0, ...more);
      break;
    }
    case 5:
    case 6:
      if (record.wireType === 2 && depth < 4)
        records[at] = {
          ...record,
          value: mutated(record.value, [record.value, random.pick(others)], random, depth + 1),
        };
      else records.push(record);
      break;
    case 7: {
      const bad = Buffer.from(random.pick(['ff', 'c328', 'eda080', 'f4908080', 'c080', 'e282', 'efbfbd']), 'hex');
      const cut = random.below(record.value.length + 1);
      if (record.wireType === 2)
        records[at] = {
          ...record,
          value: Buffer.concat([record.value.subarray(0, cut), bad, record.value.subarray(cut)]),
        };
      break;
    }
    case 8:
      records.splice(at, 0, { number: random.pick([15, 19, 100, 2047, 536870911]), wireType: 2, value: record.value });
      break;
    case 9:
      records[at] = { ...record, claimed: Math.max(0, record.value.length + random.below(12) - 6) };
      break;
    case 10: {
      // A text in two: what the second half begins with is read as tags.
      const cut = random.below(record.value.length + 1);
      records.splice(at, 1, { ...record, value: record.value.subarray(0, cut) });
      records.splice(at + 1, 0, { ...record, value: record.value.subarray(cut) });
      break;
    }
    case 11:
      records.splice(at, 0, hidden(record, random));
      break;
    default:
      return scrambled(bytes, random);
  }
  return Buffer.concat(records.map(written));
}

/** An empty text whose length is a varint of many bytes, with a field behind it: two readers took up from different places. */
function hidden({ number }: Record, random: Random): Record {
  return { number, wireType: 2, value: Buffer.alloc(0), longLength: 5 + random.below(5) };
}

function group(number: number, inside: readonly Record[], random: Random): Record {
  const end = varint((random.chance(4) ? number + 1 : number) * 8 + 4, 0);
  return { number, wireType: 3, value: Buffer.concat([...inside.map(written), ...(random.chance(8) ? [] : [end])]) };
}

function scrambled(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  switch (random.below(3)) {
    case 0:
      return copy.subarray(0, random.below(copy.length + 1));
    case 1:
      if (copy.length > 0) copy[random.below(copy.length)] = random.below(256);
      return copy;
    default: {
      const cut = random.below(copy.length + 1);
      const inserted = Buffer.from(Array.from({ length: 1 + random.below(5) }, () => random.below(256)));
      return Buffer.concat([copy.subarray(0, cut), inserted, copy.subarray(cut)]);
    }
  }
}

function longer(value: Buffer, by: number): Buffer {
  const copy = Buffer.from(value);
  if (by === 0 || copy.length === 0) return copy;
  copy[copy.length - 1] = (copy.at(-1) ?? 0) | 0x80;
  return Buffer.concat([copy, Buffer.alloc(by - 1, 0x80), Buffer.from([0])]);
}

function varint(value: number, by: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    bytes.push((left % 128) | (left > 127 ? 0x80 : 0));
    if (left < 128) return longer(Buffer.from(bytes), by);
  }
}

function written({ number, wireType, value, longTag = 0, longLength = 0, claimed }: Record): Buffer {
  const tag = varint(number * 8 + wireType, longTag);
  return wireType === 2
    ? Buffer.concat([tag, varint(claimed ?? value.length, longLength), value])
    : Buffer.concat([tag, value]);
}

/** The fields of a message; undefined when it is none. */
function recordsOf(bytes: Buffer): Record[] | undefined {
  const records: Record[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 10; shift += 1) {
      const byte = bytes[at++] ?? NaN;
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    return NaN;
  };
  while (at < bytes.length) {
    const tag = readVarint();
    const wireType = tag % 8;
    const from = at;
    if (wireType === 0) readVarint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType !== 2) return undefined;
    const length = wireType === 2 ? readVarint() : 0;
    const start = wireType === 2 ? at : from;
    at += length;
    if (Number.isNaN(tag) || Number.isNaN(at) || at > bytes.length) return undefined;
    records.push({ number: Math.floor(tag / 8), wireType, value: bytes.subarray(start, at) });
  }
  return records;
}
