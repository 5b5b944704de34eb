import type { Filter } from '../../query/filter/filter.ts';
import type { Order } from '../../query/order.ts';

/** Which users, in which order. The list, its pages and its count are of the same query. */
export interface UsersQuery {
  readonly filter: Filter;
  readonly order: Order;
  /** Whether deleted users are among them. */
  readonly showDeleted: boolean;
}
