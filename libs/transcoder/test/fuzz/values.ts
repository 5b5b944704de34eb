import type { DescField } from '@bufbuild/protobuf';
import type { Random } from './random.ts';
import type { Kind } from './deviations.ts';

/** Rare enough that most documents are taken. */
export const rare = 60;

/** A value of a field that is no object, in JSON: mostly a good one. */
export function valueText(kind: Kind, field: DescField, random: Random): string {
  switch (kind) {
    case 'whole number':
    case 'number':
      return numberText(random);
    case 'text':
      return random.chance(rare)
        ? random.pick(['"\\ud800"', '"\\udc00a"', `"${'x'.repeat(5000)}"`])
        : random.pick([
            '""',
            '"a"',
            '"ada@example.com"',
            '"lobby"',
            '"\\u00e4€"',
            '"\\u0085"',
            '"\\n"',
            '"\\ud83d\\ude00"',
            '"name,email"',
            '"#ab"',
          ]);
    case 'boolean':
      return random.chance(20) ? random.pick(['"true"', '1', '"0"', '0']) : random.pick(['true', 'false']);
    case 'bytes':
      return random.chance(4)
        ? `"${Array.from({ length: random.below(6) }, () => random.pick(['A', 'Q', '-', '_', '+', '/', '=', ' ', '.'])).join('')}"`
        : random.pick(['""', '"AQI="', '"AQI"', '"-_8"', '"+/8="']);
    case 'enum':
      return random.chance(10)
        ? random.pick(['"1"', '1.5', '2147483648', '"?"', '99', '1e0', '-1', '""', '1e400'])
        : random.pick([
            ...(field.enum?.values.map(({ name, number }) => [JSON.stringify(name), String(number)]).flat() ?? []),
          ]);
    case 'time':
      return timeText(random);
    case 'duration':
      return `"${[
        ['', '', '', '-', '+'],
        ['0', '1', '5', '60', '315576000000', '315576000001', '01', ''],
        ['', '', '', '.5', '.000000001', '.1234567890', '.'],
        ['s', 's', 's', 's', 's', 's', '', 'S', 'sfoo', 's '],
      ]
        .map((each) => random.pick(each))
        .join('')}"`;
    case 'mask':
      return random.pick([
        '""',
        '"name"',
        '"name,email"',
        '"author.bornIn"',
        '"*"',
        '"a..b"',
        '","',
        '"a_b"',
        '"a, b"',
        '"a.*"',
        '"A"',
        '"1a"',
      ]);
    case 'other':
      return otherText(field, random);
  }
}

const digits = [
  '0',
  '1',
  '2',
  '7',
  '36',
  '150',
  '151',
  '1000',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551615',
  '18446744073709551616',
];

/** A number, in one of the forms that people and programs have thought of. */
export function numberText(random: Random): string {
  const whole = random.chance(2) ? random.pick(digits.slice(0, 6)) : random.pick(digits);
  if (!random.chance(4)) return random.chance(3) ? `"${whole}"` : random.chance(8) ? `-${whole}` : whole;
  const sign = random.pick(['', '', '', '-']);
  const fraction = random.pick(['', '.0', '.50', '.000000000000000000001', '.']);
  const exponent = random.pick([
    '',
    '',
    'e0',
    'e2',
    'E+1',
    'e-1',
    'e-22',
    'e19',
    'e400',
    'e-99999',
    'e99999999999',
    'e',
  ]);
  const number = `${sign}${whole}${fraction}${exponent}`;
  // What is no number of JSON makes the whole document none, unless it is in quotes.
  if (/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(number) && !random.chance(2)) return number;
  if (random.chance(30))
    return `"${whole}${random.pick(['0', '.0'])}${'0'.repeat(random.pick([690, 699, 701, 5000]))}"`;
  if (random.chance(10))
    return random.pick(['"NaN"', '"Infinity"', '"-Infinity"', '"nan"', '"inf"', '""', 'NaN', '+1', '01', '.5', '0x1']);
  const before = random.pick(['', '', '', '', '+', ' ', '0', '0x', '0b', '\\n']);
  const behind = random.pick(['', '', '', '', ' ', 'n', '_0', '\\u0661', '\\n']);
  return `"${before}${number}${behind}"`;
}

function timeText(random: Random): string {
  const often = !random.chance(4);
  const parts = [
    random.pick(['2024', '2025', '2026', '0001', '9999', '1970', '0099', ...(often ? [] : ['0000', '999', '10000'])]),
    '-',
    random.pick(['01', '02', '04', '12', ...(often ? [] : ['00', '13', '1'])]),
    '-',
    random.pick(['01', '15', '28', ...(often ? [] : ['29', '30', '31', '32', '00'])]),
    often ? 'T' : random.pick(['T', 'T', 't', ' ', '']),
    random.pick(['00', '12', '23', ...(often ? [] : ['24', '25'])]),
    ':',
    random.pick(['00', '59', ...(often ? [] : ['60', '5'])]),
    ':',
    random.pick(['00', '59', ...(often ? [] : ['60', '61'])]),
    random.pick(['', '', '.5', '.123456789', ...(often ? [] : ['.1234567890', '.', ',5'])]),
    random.pick([
      'Z',
      'Z',
      '+01:00',
      '-23:59',
      ...(often ? [] : ['z', '+24:00', '+01:60', '', '+0100', '-00:00', ' Z']),
    ]),
  ];
  return `"${parts.join('')}"`;
}

/** Any message under the one host: protobuf-es writes it over each other. */
const anys = [
  '{}',
  '{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}',
  '{"@type":"type.googleapis.com/testing.v1.Author","name":"a","born":"1"}',
];

function otherText(field: DescField, random: Random): string {
  const name = field.message?.typeName;
  if (name === 'google.protobuf.Any') {
    const wrong = ['{"@type":"x/y"}', '[]', '"x"', '{"@type":1}', '{"@type":"testing.v1.Author"}'];
    return random.pick(random.chance(10) ? wrong : anys);
  }
  const json = anyJson(random);
  if (name === 'google.protobuf.Struct' && !random.chance(20)) return `{"a":${json}}`;
  return name === 'google.protobuf.ListValue' && !random.chance(20) ? `[${json}]` : json;
}

/** Any JSON at all, without names that come twice. */
export function anyJson(random: Random, depth = 0): string {
  switch (random.below(depth > 2 ? 6 : 8)) {
    case 0:
      return 'null';
    case 1:
      return 'true';
    case 2:
      return random.pick(['0', '-1', '1.5', '1e2', '12345678901234567890', '-0']);
    case 3:
      return random.pick(['""', '"1"', '"true"', '"null"', '"ä"']);
    case 4:
      return '{}';
    case 5:
      return '[]';
    case 6:
      return `[${anyJson(random, depth + 1)},${anyJson(random, depth + 1)}]`;
    default:
      return `{"a":${anyJson(random, depth + 1)},"b":${anyJson(random, depth + 1)}}`;
  }
}
