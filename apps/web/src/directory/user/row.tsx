import { Avatar } from '../../parts/avatar.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Time } from '../../parts/time.tsx';
import { becomeAddress } from '../../shell/route.ts';
import { addressOf, type Column, type Query } from '../query.ts';
import { typeName, type User } from './user.ts';

interface HeadingProps {
  readonly column: Column;
  readonly label: string;
  readonly query: Query;
}

/** The heading of a column, which sorts by it; once more, the other way round. */
export function Heading({ column, label, query }: HeadingProps) {
  const sorted = query.sort === column;
  const next = { ...query, sort: column, falling: sorted && !query.falling };
  return (
    <div
      role="columnheader"
      class={`cell ${column}`}
      aria-sort={sorted ? (query.falling ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" onClick={() => becomeAddress(addressOf(next))}>
        {label}
        {sorted && <Icon name={query.falling ? 'down' : 'up'} />}
      </button>
    </div>
  );
}

interface RowProps {
  readonly user: User;
  readonly index: number;
  readonly top: number;
  readonly active: boolean;
  readonly fresh: boolean;
  readonly onOpen: () => void;
}

/** A user in the list. */
export function Row({ user, index, top, active, fresh, onOpen }: RowProps) {
  return (
    <div
      id={`row-${index}`}
      role="row"
      aria-rowindex={index + 2}
      class={`row ${active ? 'active' : ''} ${fresh ? 'fresh' : ''}`}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onOpen}
    >
      <div role="gridcell" class="cell name">
        <Avatar name={user.name} id={user.id} />
        <span>{user.name}</span>
      </div>
      <div role="gridcell" class="cell email">
        {user.email}
      </div>
      <div role="gridcell" class="cell type">
        <span class={`badge ${user.type}`}>{typeName(user.type)}</span>
      </div>
      <div role="gridcell" class="cell age">
        {user.age}
      </div>
      <div role="gridcell" class="cell id">
        {user.id}
      </div>
      <div role="gridcell" class="cell updateTime">
        <Time at={user.deleteTime ?? user.updateTime} form="short" />
      </div>
    </div>
  );
}
