import {
  type ArgumentMetadata,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  type PipeTransform,
} from '@nestjs/common';

/** What a real service has around its handlers: it reads something of the call, and lets it through. */
@Injectable()
export class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getType() === 'rpc' && context.getArgByIndex(1) !== undefined;
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
