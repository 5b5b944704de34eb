const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const dayOnly = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

const forms = { full: dayAndTime, day: dayOnly, clock: timeOfDay };

interface TimeProps {
  /** A time of the contract. */
  readonly at: string | undefined;
  readonly form?: keyof typeof forms;
}

/** A time as people here write it; the whole of it for who asks. */
export function Time({ at, form = 'full' }: TimeProps) {
  if (at === undefined || Number.isNaN(Date.parse(at))) return null;
  const date = new Date(at);
  return (
    <time dateTime={at} title={dayAndTime.format(date)}>
      {forms[form].format(date)}
    </time>
  );
}
