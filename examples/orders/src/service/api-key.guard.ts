import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { CallContext } from '@rollcall/grpc';
import { orderError } from './order-error.js';

/** Lets callers in who know the key of the shop. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { metadata } = context.switchToRpc().getContext<CallContext>();
    if (metadata.get('x-api-key')[0] === 'open sesame') return true;
    throw orderError('API_KEY_REFUSED', 'Send the key of the shop as x-api-key.');
  }
}
