import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** The reasons of this service: callers tell failures apart by them. */
export type OrderReason = 'ORDER_NOT_FOUND' | 'ITEM_NOT_FOUND' | 'API_KEY_REFUSED';

/** What a reason is called in gRPC; REST makes the status of HTTP of it. */
const codes = {
  ORDER_NOT_FOUND: Status.NOT_FOUND,
  ITEM_NOT_FOUND: Status.NOT_FOUND,
  API_KEY_REFUSED: Status.UNAUTHENTICATED,
} as const satisfies Record<OrderReason, Status>;

export function orderError(reason: OrderReason, message: string): RpcError {
  return new RpcError(codes[reason], reason, message);
}
