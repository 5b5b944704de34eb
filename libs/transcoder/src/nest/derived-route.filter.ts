import { type ArgumentsHost, Catch, type ExceptionFilter, type Type } from '@nestjs/common';
import { ApplicationConfig, ContextIdFactory } from '@nestjs/core';
import { ProblemFilter } from '../problem/problem.filter.ts';

/** Where Nest keeps what a filter catches. */
const caughtBy = '__filterCatchExceptions__';

/**
 * The filter of derived routes: what no filter of the app catches becomes a problem document. Nest would ask it before
 * those of the app, which stand further from the route, so it asks them itself, the last one first.
 */
@Catch()
export class DerivedRouteFilter implements ExceptionFilter {
  readonly #problems = new ProblemFilter();

  constructor(private readonly config: ApplicationConfig) {}

  catch(thrown: unknown, host: ArgumentsHost): unknown {
    const filter = this.#filters(host).findLast((each) => catches(each, thrown)) ?? this.#problems;
    // oxlint-disable-next-line promise/valid-params -- it is the catch of a filter, not of a promise
    return filter.catch(thrown, host);
  }

  #filters(host: ArgumentsHost): readonly ExceptionFilter[] {
    const scoped = this.config.getGlobalRequestFilters();
    if (scoped.length === 0) return this.config.getGlobalFilters();
    const context = ContextIdFactory.getByRequest(host.switchToHttp().getRequest<object>());
    const made = scoped.map(
      (wrapper) => wrapper.getInstanceByContextId(context).instance as ExceptionFilter | undefined,
    );
    return [...this.config.getGlobalFilters(), ...made.filter((each) => each !== undefined)];
  }
}

function catches(filter: ExceptionFilter, thrown: unknown): boolean {
  const types = (Reflect.getMetadata(caughtBy, filter.constructor) ?? []) as readonly Type[];
  return types.length === 0 || types.some((type) => thrown instanceof type);
}
