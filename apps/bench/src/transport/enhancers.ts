import {
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { type Observable, tap } from 'rxjs';

/** What a real service has around its handlers: it reads something of the call, and lets it through. */
@Injectable()
export class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getType() === 'rpc' && context.getArgByIndex(1) !== undefined;
  }
}

@Injectable()
export class Timing implements NestInterceptor {
  calls = 0;

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(tap({ complete: () => (this.calls += 1) }));
  }
}

/** The check that the contract makes for `rollcall`, by hand. */
@Injectable()
export class CheckPath implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    if (type !== 'body') return value; // Nest pipes the metadata and the call, too
    const request = value as { path?: unknown; count?: unknown };
    if (typeof request.path !== 'string' && typeof request.count !== 'number')
      throw new Error('neither path nor count');
    return value;
  }
}
