import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Trouble } from '../../parts/trouble.tsx';
import type { Column } from '../query.ts';
import type { UserList } from './list.ts';
import { Heading, Row } from './row.tsx';
import type { User } from './user.ts';
import { type Scrolled, scrollFor, windowOf } from '../windowing.ts';

const headings: readonly (readonly [Column, string])[] = [
  ['name', 'Name'],
  ['email', 'Email'],
  ['type', 'Type'],
  ['age', 'Age'],
  ['id', 'Number'],
  ['updateTime', 'Changed'],
];
/** As many rows before the end of what is there, more is asked for. */
const ahead = 60;

interface GridProps {
  readonly list: UserList;
  readonly onOpen: (user: User) => void;
  readonly onDelete: ((user: User) => void) | undefined;
}

/** The users. Only rows that can be seen are drawn; the arrow keys walk through all. */
export function UserGrid({ list, onOpen, onDelete }: GridProps) {
  const grid = useRef<HTMLDivElement>(null);
  const header = useRef<HTMLDivElement>(null);
  const scrolled = useSignal<Scrolled>({ scrollTop: 0, viewHeight: 800, rowHeight: 52, count: 0 });
  const active = useSignal(0);
  void list.version.value;
  const { users } = list;

  const measure = (): void => {
    const element = grid.current;
    if (element === null) return;
    const row = element.querySelector<HTMLElement>('.row');
    const rowHeight = row?.offsetHeight || scrolled.peek().rowHeight;
    const viewHeight = element.clientHeight;
    scrolled.value = { scrollTop: element.scrollTop, viewHeight, rowHeight, count: list.users.length };
  };
  useLayoutEffect(measure, [list, users.length > 0]);
  useEffect(() => {
    const observer = new ResizeObserver(measure);
    if (grid.current !== null) observer.observe(grid.current);
    active.value = 0;
    grid.current?.scrollTo(0, 0);
    return () => observer.disconnect();
  }, [list]);

  const at = { ...scrolled.value, count: users.length };
  const { first, end } = windowOf(at);
  useEffect(() => {
    if (list.state.value === 'more' && end + ahead >= users.length) void list.loadMore();
  });

  const walkTo = (row: number): void => {
    active.value = Math.max(0, Math.min(users.length - 1, row));
    grid.current?.scrollTo(0, scrollFor(active.value, at, header.current?.offsetHeight ?? 0));
  };
  const page = Math.max(1, Math.floor(at.viewHeight / at.rowHeight) - 2);
  const steps: Readonly<Record<string, () => void>> = {
    ArrowDown: () => walkTo(active.value + 1),
    ArrowUp: () => walkTo(active.value - 1),
    PageDown: () => walkTo(active.value + page),
    PageUp: () => walkTo(active.value - page),
    Home: () => walkTo(0),
    End: () => walkTo(users.length - 1),
    Enter: () => users[active.value] && onOpen(users[active.value]!),
    Delete: () => users[active.value] && onDelete?.(users[active.value]!),
  };
  const shown = users.slice(first, end);
  return (
    <div
      ref={grid}
      class="grid"
      role="grid"
      tabIndex={0}
      aria-label="Users"
      aria-rowcount={(list.count() ?? users.length) + 1}
      aria-busy={list.state.value === 'loading'}
      aria-activedescendant={active.value >= first && active.value < end ? `row-${active.value}` : undefined}
      onScroll={measure}
      onKeyDown={(event) => {
        const step = event.target === grid.current && !event.ctrlKey && !event.metaKey ? steps[event.key] : undefined;
        if (step === undefined) return;
        event.preventDefault();
        step();
      }}
    >
      <div role="rowgroup" class="headings" ref={header}>
        <div role="row" aria-rowindex={1}>
          {headings.map(([column, label]) => (
            <Heading key={column} column={column} label={label} query={list.query} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="rows" style={{ height: `${users.length * at.rowHeight}px` }}>
        {shown.map((user, index) => (
          <Row
            key={user.id}
            user={user}
            index={first + index}
            top={(first + index) * at.rowHeight}
            active={first + index === active.value}
            fresh={list.fresh.has(user.id)}
            onOpen={() => {
              active.value = first + index;
              onOpen(user);
            }}
          />
        ))}
      </div>
      <Trouble problem={list.problem.value} onRetry={() => void list.loadMore()} />
    </div>
  );
}
