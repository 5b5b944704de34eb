import { Injectable } from '@nestjs/common';
import type { Order } from '../gen/acme/orders/v1/orders.js';
import { orderError } from './order-error.js';

const prices: Readonly<Record<string, number>> = { tea: 450, coffee: 620 };

/** The orders, in memory. */
@Injectable()
export class Orders {
  readonly #orders = new Map<string, Order>();
  #lastId = 0;

  create(order: Order): Order {
    const now = Date.now();
    const created = {
      ...order,
      id: String((this.#lastId += 1)),
      createTime: { seconds: String(Math.floor(now / 1000)), nanos: (now % 1000) * 1e6 },
    };
    this.#orders.set(created.id, created);
    return created;
  }

  get(id: string): Order {
    const order = this.#orders.get(id);
    if (order === undefined) throw orderError('ORDER_NOT_FOUND', `There is no order ${id}.`);
    return order;
  }

  cancel(id: string): void {
    if (!this.#orders.delete(id)) throw orderError('ORDER_NOT_FOUND', `There is no order ${id}.`);
  }

  /** One after the other, as they are asked for. */
  *after(id: string): Generator<Order> {
    for (const order of this.#orders.values()) if (Number(order.id) > Number(id)) yield order;
  }

  priceOf(sku: string): string {
    const price = prices[sku];
    if (price === undefined) throw orderError('ITEM_NOT_FOUND', `There is no item ${sku}.`);
    return String(price);
  }
}
