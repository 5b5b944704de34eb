const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const dateOfThisYear = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const longDate = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });

/** How a time can be written: `recent` as short as it can be told from others, `day` for the heading of a day. */
const forms = {
  full: (at: Date) => whole.format(at),
  clock: (at: Date) => clock.format(at),
  short: (at: Date) => (at.getFullYear() === new Date().getFullYear() ? dateOfThisYear : date).format(at),
  recent: (at: Date) => (daysAgo(at) === 0 ? clock.format(at) : forms.short(at)),
  day: (at: Date) => ['Today', 'Yesterday'][daysAgo(at)] ?? longDate.format(at),
};

function daysAgo(at: Date): number {
  const midnight = new Date().setHours(0, 0, 0, 0);
  return Math.round((midnight - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
}

interface TimeProps {
  /** A time of the contract. */
  readonly at: string | undefined;
  readonly form?: keyof typeof forms;
}

/** A time as people here write it; the whole of it for who asks. */
export function Time({ at, form = 'full' }: TimeProps) {
  if (at === undefined || Number.isNaN(Date.parse(at))) return null;
  const parsed = new Date(at);
  return (
    <time dateTime={at} title={form === 'full' ? undefined : whole.format(parsed)}>
      {forms[form](parsed)}
    </time>
  );
}
