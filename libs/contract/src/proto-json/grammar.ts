/**
 * How ProtoJSON writes values as text: one place for bodies, paths, queries, headers and filters. Each function takes time in
 * proportion to the text at the most, and gives undefined for what is no such value.
 *
 * @see https://protobuf.dev/programming-guides/json/
 */

/** A point or a span of time, as google.protobuf.Timestamp and Duration have it. */
export interface Seconds {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** The longest number that is read: the greatest double in full, with as many places behind the point. */
const maxNumberLength = 700;

const number = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,10}))?$/;
const plainInteger = /^(?:0|-?[1-9]\d*)$/;

/** A number by the grammar of JSON. */
export function parseNumber(text: string): number | undefined {
  if (text.length > maxNumberLength || !number.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** A whole number by the grammar of JSON: also `1.0` and `1e2`. */
export function parseInteger(text: string): bigint | undefined {
  if (text.length < 16 && plainInteger.test(text)) return BigInt(text);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    text.length > maxNumberLength ? [] : (number.exec(text) ?? []);
  if (whole === '') return undefined;
  const digits = (whole + fraction).replace(/0+$/, '');
  if (/^0*$/.test(digits)) return 0n;
  const zeros = whole.length + Number(exponent) - digits.length;
  return zeros < 0 || zeros > 20 ? undefined : BigInt(`${sign}${digits}${'0'.repeat(zeros)}`);
}

/** A whole number as ids in paths and queries are written: without a point, an exponent, a plus or zeros before it. */
export function isPlainInteger(text: string): boolean {
  return plainInteger.test(text);
}

const base64 = /^[A-Za-z0-9+/_-]*(={0,2})$/;

/** Bytes in base64, in either alphabet, with its padding or without. */
export function parseBase64(text: string): Uint8Array | undefined {
  const padding = base64.exec(text)?.[1];
  const left = text.length % 4;
  if (padding === undefined || (padding === '' ? left === 1 : left !== 0)) return undefined;
  return new Uint8Array(Buffer.from(text, 'base64'));
}

const timestamp = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const [firstSecond, lastSecond] = [-62_135_596_800, 253_402_300_799];

/**
 * A time such as `2026-01-31T12:00:00.5+01:00`, from the year 1 to 9999. There are no leap seconds, and no days such as
 * February 30.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export function parseTimestamp(text: string): Seconds | undefined {
  const match = timestamp.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  // The setter, and not Date.UTC, which takes the years from 0 to 99 for those from 1900.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDay || hour > 23 || minute > 59 || second > 59) return undefined;
  date.setUTCHours(hour, minute, second);
  const offset = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * 60 * (match[8] === '-' ? -1 : 1);
  const seconds = date.getTime() / 1000 - offset;
  if (seconds < firstSecond || seconds > lastSecond) return undefined;
  return { seconds: BigInt(seconds), nanos: nanosOf(match[7]) };
}

const duration = /^(-?)(0|[1-9]\d{0,11})(?:\.(\d{1,9}))?s$/;
const maxDurationSeconds = 315_576_000_000;

/** A span such as `-1.5s`. */
export function parseDuration(text: string): Seconds | undefined {
  const match = duration.exec(text);
  if (match === null) return undefined;
  const seconds = Number(match[2]);
  const nanos = nanosOf(match[3]);
  if (seconds > maxDurationSeconds || (seconds === maxDurationSeconds && nanos > 0)) return undefined;
  const sign = match[1] === '-' ? -1 : 1;
  return { seconds: BigInt(sign * seconds), nanos: nanos === 0 ? 0 : sign * nanos };
}

function nanosOf(fraction = ''): number {
  return Number(fraction.padEnd(9, '0'));
}

const maskPath = /^(?:\*|[a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*)*)$/;

/** The paths of a mask such as `name,author.bornIn`, in proto names. */
export function parseMask(text: string): string[] | undefined {
  const paths = text === '' ? [] : text.split(',');
  if (!paths.every((path) => maskPath.test(path))) return undefined;
  return paths.map((path) => path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}
