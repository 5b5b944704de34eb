/** A point in time, as exact as it was written. */
export interface Instant {
  /** The whole milliseconds since the epoch, the time itself or the last before it. */
  readonly ms: bigint;
  /** Whether the time is that millisecond, and not between it and the next. */
  readonly whole: boolean;
}

const pattern = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

const minuteMs = 60_000;

/**
 * The time that a text in the form `2026-01-31T12:00:00.5+01:00` gives; undefined when it has another form, or there is
 * no such time. There are no leap seconds, as in google.protobuf.Timestamp.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export function parseInstant(text: string): Instant | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  // The setter, and not Date.UTC, which takes the years from 0 to 99 for those from 1900.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDay || hour > 23 || minute > 59 || second > 59) return undefined;
  date.setUTCHours(hour, minute, second);
  const fraction = match[7] ?? '';
  const offsetMs = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * minuteMs * (match[8] === '-' ? -1 : 1);
  return {
    ms: BigInt(date.getTime() - offsetMs + Number(fraction.slice(0, 3).padEnd(3, '0'))),
    whole: !/[1-9]/.test(fraction.slice(3)),
  };
}
