/** Where this reader of ProtoJSON differs from that of protobuf-es, which forgives what the specification does not. */
import { type DescField, ScalarType } from '@bufbuild/protobuf';

/** What a field's values are in JSON. */
export type Kind =
  | 'whole number'
  | 'number'
  | 'text'
  | 'boolean'
  | 'bytes'
  | 'enum'
  | 'time'
  | 'duration'
  | 'mask'
  | 'other';

/** A way in which values are read otherwise than protobuf-es reads them. */
export interface Deviation {
  readonly what: string;
  readonly kinds: readonly Kind[];
  readonly holds: (sent: string) => boolean;
  /** The value as protobuf-es would have to be given it; undefined when it is refused. */
  readonly meant: (sent: string) => string | undefined;
  /** A field of testing.v1.Book, and a value of it that shows that there is a difference. */
  readonly example: readonly [field: string, sent: string];
}

const refused = (): undefined => undefined;
const inQuotes = (sent: string): string | undefined => {
  if (!sent.startsWith('"')) return undefined;
  try {
    return JSON.parse(sent) as string;
  } catch {
    return undefined; // no reader takes it
  }
};
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const numberOf = (sent: string): string | undefined => {
  const text = inQuotes(sent) ?? sent;
  return jsonNumber.test(text) ? text : undefined;
};
const words = ['NaN', 'Infinity', '-Infinity'];

/** A number of JSON in digits alone; undefined when it has a fraction. */
export function digitsOf(text: string): string | undefined {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const scale = Number(exponent) - fraction.length;
  const digits = BigInt(whole.replace('-', '') + fraction);
  if (digits === 0n) return '0';
  if (scale > 100) return '9'.repeat(100); // beyond all types
  const size = scale < 0 ? 10n ** BigInt(Math.min(-scale, 2000)) : 1n;
  if (digits % size !== 0n) return undefined;
  const value = scale < 0 ? digits / size : digits * 10n ** BigInt(scale);
  return `${text.startsWith('-') ? '-' : ''}${value}`;
}

const isRealTime = (text: string): boolean => {
  const [, second = '', zone = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const read = new Date(`${second}Z`);
  const shown = Number.isNaN(read.getTime()) ? '' : read.toISOString().slice(0, 19);
  return shown === second && second !== '' && (zone === 'Z' || (zone.slice(1, 3) < '24' && zone.slice(4) < '60'));
};

/** The first that holds counts. Everything else is as protobuf-es has it. */
export const deviations: readonly Deviation[] = [
  {
    what: 'a number in quotes is one of JSON: without a plus, spaces, zeros before it, or another base',
    kinds: ['whole number', 'number'],
    holds: (sent) => {
      const text = inQuotes(sent);
      return text !== undefined && !jsonNumber.test(text) && !words.includes(text);
    },
    meant: refused,
    example: ['aInt32', '"0x1"'],
  },
  {
    what: 'a number has 700 characters at the most, and its exponent ten digits',
    kinds: ['whole number', 'number'],
    holds: (sent) => {
      const text = numberOf(sent) ?? '';
      return text.length > 700 || /e[+-]?\d{11}/i.test(text);
    },
    meant: refused,
    example: ['aDouble', `0.${'9'.repeat(700)}`],
  },
  {
    what: 'a whole number may have an exponent or a fraction of zeros, in quotes too, and keeps all its digits',
    kinds: ['whole number'],
    holds: (sent) => numberOf(sent) !== undefined,
    meant: (sent) => {
      const digits = digitsOf(numberOf(sent) ?? '');
      return digits === undefined ? undefined : `"${digits}"`;
    },
    example: ['aInt64', '"1e2"'],
  },
  {
    what: 'a time is one that there is: no February 30, no 24:00, no zone of a day',
    kinds: ['time'],
    holds: (sent) => inQuotes(sent) !== undefined && !isRealTime(inQuotes(sent) ?? ''),
    meant: refused,
    example: ['time', '"2026-02-30T00:00:00Z"'],
  },
  {
    what: 'a duration ends with its s, and has no zeros before it',
    kinds: ['duration'],
    holds: (sent) => inQuotes(sent) !== undefined && !/^-?(?:0|[1-9]\d*)(?:\.\d{1,9})?s$/.test(inQuotes(sent) ?? ''),
    meant: refused,
    example: ['duration', '"1sfoo"'],
  },
  {
    what: 'a duration is at most 315576000000 s long, with its fraction',
    kinds: ['duration'],
    holds: (sent) => /^-?315576000000\.\d*[1-9]/.test(inQuotes(sent) ?? ''),
    meant: refused,
    example: ['duration', '"315576000000.000000001s"'],
  },
  {
    what: 'the type of an Any is a URL, with a slash before the name',
    kinds: ['other'],
    holds: (sent) => /^\{"@type":"[^"/]*"/.test(sent),
    meant: refused,
    example: ['any', '{"@type":"testing.v1.Author"}'],
  },
  {
    what: 'a mask has names alone between its commas and points',
    kinds: ['mask'],
    holds: (sent) => {
      const text = inQuotes(sent) ?? '';
      return (
        text !== '' &&
        !/^(?:\*|[a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*)*)(?:,(?:\*|[a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*)*))*$/.test(
          text,
        )
      );
    },
    meant: refused,
    example: ['mask', '"a..b"'],
  },
  {
    what: 'bytes are in base64 without spaces, with all of its padding or none',
    kinds: ['bytes'],
    holds: (sent) => {
      const text = inQuotes(sent);
      return text !== undefined && !/^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/.test(text);
    },
    meant: refused,
    example: ['aBytes', '"AQ I="'],
  },
];

/** The same of objects: a testing.v1.Book as it is sent, and as protobuf-es would have to be given it. */
export const deviationsOfObjects: readonly (readonly [what: string, sent: string, meant: string | undefined])[] = [
  ['an object names a member once', '{"name":"a","name":"b"}', undefined],
  ['a member of a oneof that is null is not there', '{"paper":"a","digital":null}', '{"paper":"a"}'],
];

/** What a value means to protobuf-es; undefined when it is refused. */
export function meaningOf(kind: Kind, sent: string): string | undefined {
  const deviation = deviations.find(({ kinds, holds }) => kinds.includes(kind) && holds(sent));
  return deviation === undefined ? sent : deviation.meant(sent);
}

const scalars: Readonly<Partial<Record<ScalarType, Kind>>> = {
  [ScalarType.STRING]: 'text',
  [ScalarType.BOOL]: 'boolean',
  [ScalarType.BYTES]: 'bytes',
  [ScalarType.DOUBLE]: 'number',
  [ScalarType.FLOAT]: 'number',
};

/** The kind of a field's values, or of a map's keys. */
export function kindOf(scalar: ScalarType): Kind {
  return scalars[scalar] ?? 'whole number';
}

const special: Readonly<Record<string, Kind>> = {
  'google.protobuf.Timestamp': 'time',
  'google.protobuf.Duration': 'duration',
  'google.protobuf.FieldMask': 'mask',
  'google.protobuf.Struct': 'other',
  'google.protobuf.Value': 'other',
  'google.protobuf.ListValue': 'other',
  'google.protobuf.Any': 'other',
};

/** The kind of a field's values; undefined for messages that are objects. */
export function kindOfField({ message, enum: values, scalar }: DescField): Kind | undefined {
  if (values !== undefined) return 'enum';
  if (scalar !== undefined) return kindOf(scalar);
  const [inner] = message?.fields ?? [];
  if (
    /^google\.protobuf\.\w+Value$/.test(message?.typeName ?? '') &&
    message?.fields.length === 1 &&
    inner?.scalar !== undefined
  )
    return kindOf(inner.scalar);
  return special[message?.typeName ?? ''];
}
