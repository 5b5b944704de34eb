/** What Nest puts around a handler, and what it writes to the log: the same whichever way a unary call has come. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CallHandler,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Logger,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { Metadata, status as Status } from '@grpc/grpc-js';
import type { shelf } from '@rollcall/contract/testing';
import { makeAuthority } from '@rollcall/test-servers';
import { delay, firstValueFrom, from, map, mergeMap, Observable, of, throwError, timer } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type CallContext, currentCall, RpcError } from '@rollcall/grpc';
import { batchPath } from '../src/wire/method.ts';
import { failure, watchStreams } from './batch-peers.ts';
import { startShelf, until } from '../../grpc/test/shelf-service.ts';
import { ways } from './ways.ts';
import { connectSecurely, makeParty, startSecure } from '../../grpc/test/security/tls-service.ts';

const contextOf = (execution: ExecutionContext): CallContext => execution.switchToRpc().getContext<CallContext>();
const metadataOf = (entries: Record<string, string>): Metadata => {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
};

describe.each(ways)('a unary call, %s,', (_way, batched) => {
  afterEach(() => void vi.restoreAllMocks());

  it('travels the way that it is meant to', async () => {
    await using service = await startShelf({ readFile: () => ({ path: '' }) }, batched);
    const { paths } = watchStreams(service);
    await firstValueFrom(service.client.readFile({ path: '' }));
    expect(paths.includes(batchPath)).toBe(batched.unaryCalls !== undefined);
  });

  it('passes guard, interceptor, pipe and handler in this order, each with the context', async () => {
    const passed: string[] = [];
    const pass = (what: string, context: CallContext | undefined): void => {
      passed.push(`${what} ${context?.requestId ?? ''} ${currentCall()?.requestId ?? ''}`);
    };
    class Guard implements CanActivate {
      canActivate(execution: ExecutionContext): boolean {
        pass('guard', contextOf(execution));
        return true;
      }
    }
    class Interceptor implements NestInterceptor {
      intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
        pass('before', contextOf(execution));
        return next.handle().pipe(
          map((answer: unknown) => {
            pass('after', contextOf(execution));
            return { path: `<${(answer as shelf.ReadFileResponse).path}>` };
          }),
        );
      }
    }
    class Pipe implements PipeTransform {
      transform(value: unknown): unknown {
        if (typeof value !== 'object' || value === null || !('path' in value)) return value;
        pass('pipe', currentCall());
        return { path: String(value.path).toUpperCase() };
      }
    }
    await using service = await startShelf(
      { readFile: ({ path }: shelf.ReadFileRequest, context: CallContext) => (pass('handler', context), { path }) },
      {
        ...batched,
        guard: Guard,
        providers: [
          { provide: APP_INTERCEPTOR, useClass: Interceptor },
          { provide: APP_PIPE, useClass: Pipe },
        ],
      },
    );
    const metadata = metadataOf({ 'x-request-id': 'r' });
    expect(await firstValueFrom(service.client.readFile({ path: 'a' }, { metadata }))).toEqual({ path: '<A>' });
    expect(passed).toEqual(['guard', 'before', 'pipe', 'handler', 'after'].map((what) => `${what} r r`));
  });

  it('is refused by a guard, at once or later, and its handler hears nothing', async () => {
    let handled = 0;
    class Guard implements CanActivate {
      async canActivate(execution: ExecutionContext): Promise<boolean> {
        if (contextOf(execution).metadata.get('x-late').length > 0) await new Promise(setImmediate);
        throw new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', 'You may not.');
      }
    }
    await using service = await startShelf({ readFile: () => (handled++, { path: '' }) }, { ...batched, guard: Guard });
    for (const metadata of [new Metadata(), metadataOf({ 'x-late': '1' })])
      expect(await failure(service.client.readFile({ path: '' }, { metadata }))).toMatchObject({
        code: Status.PERMISSION_DENIED,
        reason: 'NOT_PERMITTED',
      });
    expect(handled).toBe(0);
  });

  it('keeps what an interceptor stores for the call, through whatever is async', async () => {
    const storage = new AsyncLocalStorage<string>();
    class Interceptor implements NestInterceptor {
      intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
        return new Observable((subscriber) =>
          storage.run(contextOf(execution).requestId, () => next.handle().subscribe(subscriber)),
        );
      }
    }
    await using service = await startShelf(
      {
        readFile: async () => {
          await new Promise(setImmediate);
          return timer(1).pipe(map(() => ({ path: `${storage.getStore()} ${currentCall()?.requestId}` })));
        },
      },
      { ...batched, providers: [{ provide: APP_INTERCEPTOR, useClass: Interceptor }] },
    );
    const ids = Array.from({ length: 20 }, (_, index) => `r-${index}`);
    const answers = await Promise.all(
      ids.map((id) =>
        firstValueFrom(service.client.readFile({ path: '' }, { metadata: metadataOf({ 'x-request-id': id }) })),
      ),
    );
    expect(answers.map(({ path }) => path)).toEqual(ids.map((id) => `${id} ${id}`));
  });

  it('fails as a filter of the application says', async () => {
    class OutOfBooks extends Error {}
    @Catch(OutOfBooks)
    class Filter implements ExceptionFilter {
      catch(): Observable<never> {
        return throwError(() => new RpcError(Status.FAILED_PRECONDITION, 'ETAG_MISMATCH', 'None is left.'));
      }
    }
    await using service = await startShelf(
      {
        readFile: () => {
          throw new OutOfBooks();
        },
        getBook: () =>
          of(0).pipe(
            delay(1),
            mergeMap(() => throwError(() => new OutOfBooks())),
          ),
      },
      { ...batched, providers: [{ provide: APP_FILTER, useClass: Filter }] },
    );
    for (const call of [service.client.readFile({ path: '' }), service.client.getBook({ name: '' })])
      expect(await failure(call)).toMatchObject({ code: Status.FAILED_PRECONDITION, message: 'None is left.' });
  });

  it('is answered by the first of what a promise, an Observable or a generator gives', async () => {
    const shapes: Record<string, () => unknown> = {
      value: () => ({ path: 'x' }),
      promise: () => Promise.resolve({ path: 'x' }),
      Observable: () => of({ path: 'x' }),
      'promise of an Observable': () => Promise.resolve(from([{ path: 'x' }])),
    };
    await using service = await startShelf(
      { readFile: ({ path }: shelf.ReadFileRequest) => shapes[path]?.() },
      batched,
    );
    for (const path of Object.keys(shapes))
      expect(await firstValueFrom(service.client.readFile({ path }))).toEqual({ path: 'x' });
  });

  it('whose handler fails unexpectedly stands in the log, with its request id, and the caller sees no cause', async () => {
    const lines: unknown[] = [];
    vi.spyOn(Logger.prototype, 'error').mockImplementation((line: unknown) => void lines.push(line));
    await using service = await startShelf(
      {
        readFile: () => {
          throw new Error('password=hunter2');
        },
      },
      batched,
    );
    const metadata = metadataOf({ 'x-request-id': 'r-7' });
    const error = await failure(service.client.readFile({ path: '' }, { metadata }));
    expect(error).toMatchObject({ code: Status.INTERNAL, reason: 'INTERNAL' });
    expect(JSON.stringify(error)).not.toContain('hunter2');
    expect(lines).toMatchObject([{ requestId: 'r-7', cause: expect.stringContaining('hunter2') as unknown }]);
  });

  it('whose caller gives up fires the signal in what its handler waits for', async () => {
    const reasons: unknown[] = [];
    let running = 0;
    await using service = await startShelf(
      {
        readFile: (_: never, { signal }: CallContext) =>
          new Promise((_resolve, reject) => {
            running += 1;
            signal.addEventListener('abort', () => {
              reasons.push((signal.reason as RpcError).code);
              reject(signal.reason as RpcError);
            });
          }),
      },
      batched,
    );
    const call = service.client.readFile({ path: '' }).subscribe();
    await until(() => running === 1);
    call.unsubscribe();
    await until(() => reasons.length === 1);
    const late = await failure(service.client.readFile({ path: '' }, { deadline: Date.now() + 100 }));
    expect(late.code).toBe(Status.DEADLINE_EXCEEDED);
    await until(() => reasons.length === 2);
    expect(reasons[0]).toBe(Status.CANCELLED);
    expect([Status.CANCELLED, Status.DEADLINE_EXCEEDED]).toContain(reasons[1]);
  });

  it('tells over mutual TLS which process calls', async () => {
    const authority = await makeAuthority();
    const identity = await authority.issue({ names: ['localhost'] });
    const gateway = await authority.issue({ names: ['Gateway.internal'] });
    using party = makeParty({ identity, authority });
    await using service = await startSecure(
      { readFile: (_: never, { callerNames }: CallContext) => ({ path: callerNames.join(' ') }) },
      party,
      batched,
    );
    const { unaryCalls } = batched;
    using caller = connectSecurely(service, authority, { identity: gateway }, { unaryCalls });
    const { paths } = watchStreams(service);
    expect(await firstValueFrom(caller.client.readFile({ path: '' }))).toEqual({ path: 'gateway.internal' });
    expect(paths.includes(batchPath)).toBe(unaryCalls !== undefined);
  });
});
