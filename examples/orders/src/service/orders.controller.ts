import { UseGuards } from '@nestjs/common';
import { fromIterable, GrpcController, toAsyncIterable } from '@rollcall/grpc';
import { map, type Observable } from 'rxjs';
import type {
  CancelOrderRequest,
  CreateOrderRequest,
  GetOrderRequest,
  ImportOrdersResponse,
  Order,
  OrderServiceController,
  PriceItemsRequest,
  PriceItemsResponse,
  StreamOrdersRequest,
} from '../gen/acme/orders/v1/orders.js';
import { contract } from '../gen/contract.js';
import type { Empty } from '../gen/google/protobuf/empty.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { Orders } from './orders.js';

/** Reads each request, and shapes the answer. The requests were checked by the rules of the proto before they come here. */
@GrpcController(contract, 'acme.orders.v1.OrderService')
@UseGuards(ApiKeyGuard)
export class OrdersController implements OrderServiceController {
  constructor(private readonly orders: Orders) {}

  getOrder({ id }: GetOrderRequest): Order {
    return this.orders.get(id);
  }

  createOrder({ order }: CreateOrderRequest): Order {
    return this.orders.create(order!); // the proto says that it is required
  }

  cancelOrder({ id }: CancelOrderRequest): Empty {
    this.orders.cancel(id);
    return {};
  }

  /** The next order is asked for when the reader has room for it. */
  streamOrders({ afterId }: StreamOrdersRequest): Observable<Order> {
    return fromIterable(() => this.orders.after(afterId));
  }

  /** The sender waits while one is stored. */
  async importOrders(requests: Observable<CreateOrderRequest>): Promise<ImportOrdersResponse> {
    let created = 0;
    for await (const { order } of toAsyncIterable(requests)) {
      this.orders.create(order!);
      created += 1;
    }
    return { created };
  }

  priceItems(requests: Observable<PriceItemsRequest>): Observable<PriceItemsResponse> {
    return requests.pipe(map(({ sku }) => ({ sku, price: this.orders.priceOf(sku) })));
  }
}
