import { Client, credentials, Metadata, status as Status } from '@grpc/grpc-js';
import { type health, type reflection } from '../../src/grpc.ts';
import { rollcallContract } from '@rollcall/proto';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import {
  concat,
  EMPTY,
  firstValueFrom,
  from,
  lastValueFrom,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  Subject,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { toBatches, fromIterable, toAsyncIterable } from '../../src/backpressure/backpressure.ts';
import { type CallContext, currentCall } from '../../src/context/call-context.ts';
import { GrpcChannel } from '../../src/client/channel.ts';
import { GrpcServer } from '../../src/server/grpc-server.ts';
import { invalidFields, RpcError } from '../../src/status/rpc-error.ts';
import { settled, shelfServiceName, startShelf, until } from '../shelf-service.ts';
import { ways } from '../ways.ts';

const named = (name: string): shelf.CountBooksRequest => ({ shelf: '', name });

describe.each(ways)('a unary call, %s,', (_way, batched) => {
  it('is answered, with headers and trailers', async () => {
    await using service = await startShelf(
      {
        readFile: ({ path }: shelf.ReadFileRequest, context: CallContext) => {
          const headers = new Metadata();
          headers.set('x-head', 'h');
          context.sendHeaders(headers);
          context.trailers.set('x-trail', 't');
          return { path };
        },
      },
      batched,
    );
    const got: unknown[] = [];
    const options = {
      onHeaders: (md: Metadata) => got.push(...md.get('x-head')),
      onTrailers: (md: Metadata) => got.push(...md.get('x-trail')),
    };
    expect(await firstValueFrom(service.client.readFile({ path: 'a' }, options))).toEqual({ path: 'a' });
    await until(() => got.length === 2);
    expect(got).toEqual(['h', 't']);
  });

  it.each([
    ['a promise', () => Promise.resolve({ path: 'x' })],
    ['an Observable', () => of({ path: 'x' })],
    ['a promise of an Observable', () => Promise.resolve(of({ path: 'x' }))],
    ['an Observable that goes on', () => concat(of({ path: 'x' }), NEVER)],
    ['an Observable with a second value', () => of({ path: 'x' }, { path: 'y' })],
  ])('takes %s, and answers once', async (_, readFile) => {
    await using service = await startShelf({ readFile }, batched);
    expect(await lastValueFrom(service.client.readFile({ path: '' }).pipe(toArray()))).toEqual([{ path: 'x' }]);
  });

  it('fails when the handler answers nothing', async () => {
    await using service = await startShelf({ readFile: () => EMPTY }, batched);
    await expect(firstValueFrom(service.client.readFile({ path: '' }))).rejects.toMatchObject({
      code: Status.INTERNAL,
    });
  });

  it('that is cancelled tears the handler down and fires its signal', async () => {
    let torn = 0;
    let context: CallContext | undefined;
    await using service = await startShelf(
      {
        readFile: (_: never, call: CallContext) => {
          context = call;
          return new Observable(() => () => torn++);
        },
      },
      batched,
    );
    const subscription = service.client.readFile({ path: '' }).subscribe();
    await until(() => context !== undefined);
    subscription.unsubscribe();
    await until(() => torn === 1);
    expect(context?.signal.aborted).toBe(true);
  });

  it('ends at its deadline, on both sides', async () => {
    let torn = 0;
    await using service = await startShelf({ readFile: () => new Observable(() => () => torn++) }, batched);
    await expect(
      firstValueFrom(service.client.readFile({ path: '' }, { deadline: Date.now() + 1000 })),
    ).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    await until(() => torn === 1);
  });
});

describe.each(ways)('an error, %s,', (_way, batched) => {
  it('keeps code, reason, metadata, violations and retry delay', async () => {
    const thrown = new RpcError(Status.ABORTED, 'ETAG_MISMATCH', 'It has changed: ü.', {
      metadata: { id: '7' },
      violations: [{ field: 'etag', description: 'is old', reason: 'r' }],
      retryDelayMs: 1500,
    });
    await using service = await startShelf(
      {
        readFile: () => {
          throw thrown;
        },
      },
      batched,
    );
    const error: unknown = await firstValueFrom(service.client.readFile({ path: '' })).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({
      code: thrown.code,
      reason: 'ETAG_MISMATCH',
      message: thrown.message,
      details: thrown.details,
    });
  });

  it('that nobody expected is answered with a fixed sentence', async () => {
    await using service = await startShelf({ readFile: () => Promise.reject(new Error('password=1')) }, batched);
    const error = (await firstValueFrom(service.client.readFile({ path: '' })).catch((e: unknown) => e)) as RpcError;
    expect([error.code, error.reason]).toEqual([Status.INTERNAL, 'INTERNAL']);
    expect(JSON.stringify([error.message, error.details])).not.toContain('password');
  });

  it.each([
    ['an unpaired surrogate', '\ud800 broken'],
    ['200 KB of text', 'x'.repeat(200_000)],
  ])('with %s reaches the caller, and the connection lives', async (_, message) => {
    let fail = true;
    await using service = await startShelf(
      {
        readFile: () => {
          if (fail) throw new RpcError(Status.NOT_FOUND, 'USER_NOT_FOUND', message);
          return { path: 'x' };
        },
      },
      batched,
    );
    await expect(firstValueFrom(service.client.readFile({ path: '' }))).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      reason: 'USER_NOT_FOUND',
    });
    fail = false;
    expect(await firstValueFrom(service.client.readFile({ path: '' }))).toEqual({ path: 'x' });
  });

  it('with 10,000 violations reaches the caller', async () => {
    const violations = Array.from({ length: 10_000 }, (_, index) => ({
      field: `ids[${index}]`,
      description: 'd'.repeat(500),
      reason: '',
    }));
    await using service = await startShelf({ readFile: () => Promise.reject(invalidFields(violations)) }, batched);
    const error = (await firstValueFrom(service.client.readFile({ path: '' })).catch((e: unknown) => e)) as RpcError;
    expect([error.code, error.details.violations?.length]).toEqual([Status.INVALID_ARGUMENT, 16]);
  });

  it('of a rule names the field, before the handler runs', async () => {
    let ran = false;
    await using service = await startShelf({ listBooks: () => ((ran = true), {}) }, batched);
    const request = { pageSize: -1 } as shelf.ListBooksRequest;
    await expect(firstValueFrom(service.client.listBooks(request))).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      details: { violations: [{ field: 'page_size', reason: 'int32.gte' }] },
    });
    expect(ran).toBe(false);
  });

  it('of bytes that are no message is INVALID_ARGUMENT', async () => {
    await using service = await startShelf({ readFile: () => ({}) }, batched);
    const method = {
      path: `/${shelfServiceName}/ListBooks`,
      requestStream: false,
      responseStream: false,
      encode: (bytes: Buffer) => bytes,
      decode: () => ({}),
    };
    await expect(firstValueFrom(service.channel.call(method, Buffer.from([0x0a, 0xff])))).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: 'MALFORMED_REQUEST',
    });
  });
});

describe.each(ways)('a string that is not UTF-8, %s,', (_way, batched) => {
  it('is INVALID_ARGUMENT, also in a message without rules', async () => {
    let ran = false;
    await using service = await startShelf({ readFile: () => ((ran = true), { path: '' }) }, batched);
    const method = {
      path: `/${shelfServiceName}/ReadFile`,
      requestStream: false,
      responseStream: false,
      encode: (bytes: Buffer) => bytes,
      decode: () => ({}),
    };
    const notUtf8 = Buffer.from([0x0a, 0x02, 0xc3, 0x28]);
    await expect(firstValueFrom(service.channel.call(method, notUtf8))).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: 'MALFORMED_REQUEST',
    });
    expect(ran).toBe(false);
  });
});

describe('a response stream', () => {
  it('stops its source while the reader does not read, and closes it when the reader goes away', async () => {
    let pulls = 0;
    let closed = 0;
    await using service = await startShelf({
      streamBooks: () =>
        fromIterable(function* () {
          try {
            for (; pulls < 2_000_000;) yield { books: [{ number: String(++pulls).padEnd(100) }] };
          } finally {
            closed++;
          }
        }),
    });
    let received = 0;
    const gate = Promise.withResolvers<void>();
    const subscription = service.client.streamBooks({} as shelf.StreamBooksRequest).subscribe(() => {
      received++;
    });
    const slow = toAsyncIterable(service.client.streamBooks({} as shelf.StreamBooksRequest));
    subscription.unsubscribe();
    pulls = 0;
    closed = 0;
    await slow.next();
    const stopped = await settled(() => pulls);
    expect(stopped).toBeLessThan(20_000);
    for (let i = 0; i < 5000; i++) await slow.next();
    expect(await settled(() => pulls)).toBeGreaterThan(stopped);
    await slow.return();
    await until(() => closed >= 1);
    gate.resolve();
    expect(received).toBeLessThan(2_000_000);
  });

  it('takes a generator for an answer', async () => {
    await using service = await startShelf({
      async *streamBooks() {
        yield { books: [{ number: '1' }] };
        yield { books: [{ number: '2' }] };
      },
    });
    const all = await lastValueFrom(service.client.streamBooks({} as shelf.StreamBooksRequest).pipe(toArray()));
    expect(all.flatMap(({ books }) => books.map(({ number }) => number))).toEqual(['1', '2']);
  });

  it('that fails late delivers what came before', async () => {
    await using service = await startShelf({
      async *streamBooks() {
        yield { books: [] };
        throw new RpcError(Status.OUT_OF_RANGE, 'INVALID_FIELD', 'too old');
      },
    });
    let before = 0;
    const error: unknown = await new Promise((resolve) =>
      service.client.streamBooks({} as shelf.StreamBooksRequest).subscribe({ next: () => before++, error: resolve }),
    );
    expect([before, (error as RpcError).code]).toEqual([1, Status.OUT_OF_RANGE]);
  });
});

describe('a request stream', () => {
  it('is braked by a handler that is slow', async () => {
    const gate = Promise.withResolvers<void>();
    let handled = 0;
    await using service = await startShelf({
      async countBooks(requests: Observable<shelf.CountBooksRequest>) {
        for await (const request of toAsyncIterable(requests)) {
          expect(request.name).toBe('x');
          handled++;
          await gate.promise;
        }
        return { count: String(handled), shelves: [] };
      },
    });
    let sent = 0;
    const requests = fromIterable(function* () {
      while (sent < 20_000) {
        sent++;
        yield { shelf: 's'.repeat(1000), name: 'x' };
      }
    });
    const answer = firstValueFrom(service.client.countBooks(requests));
    expect(await settled(() => sent)).toBeLessThan(5000);
    expect(handled).toBe(1);
    gate.resolve();
    expect((await answer).count).toBe('20000');
  });

  it('comes once and in order, whatever is async: 100 calls with an async guard', async () => {
    class SlowGuard {
      async canActivate(): Promise<boolean> {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
        return true;
      }
    }
    await using service = await startShelf(
      {
        talkBooks: (requests: Observable<shelf.CountBooksRequest>) => requests.pipe(map(({ name }) => ({ name }))),
        async countBooks(requests: Observable<shelf.CountBooksRequest>) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          const names: string[] = [];
          for await (const batch of toBatches(requests, 100)) names.push(...batch.map(({ name }) => name));
          return { count: '0', shelves: names };
        },
      },
      { guard: SlowGuard },
    );
    const expected = Array.from({ length: 100 }, (_, index) => String(index));
    const calls = Array.from({ length: 50 }, async () => {
      const talked = await lastValueFrom(
        service.client.talkBooks(from(expected.map(named))).pipe(
          map(({ name }) => name),
          toArray(),
        ),
      );
      expect(talked).toEqual(expected);
      const { shelves } = await firstValueFrom(service.client.countBooks(from(expected.map(named))));
      expect(shelves).toEqual(expected);
    });
    await Promise.all(calls);
  });

  it('that is cancelled errors with CANCELLED, and never completes: 50 of 50', async () => {
    const ends: unknown[] = [];
    let started = 0;
    await using service = await startShelf({
      countBooks: (requests: Observable<shelf.CountBooksRequest>) =>
        new Observable(() => {
          requests.subscribe({
            next: () => started++,
            error: (error: RpcError) => ends.push(error.code),
            complete: () => ends.push('complete'),
          });
        }),
    });
    for (let i = 0; i < 50; i++) {
      const requests = new Subject<shelf.CountBooksRequest>();
      const subscription = service.client.countBooks(requests).subscribe();
      requests.next(named('x'));
      await until(() => started === i + 1);
      subscription.unsubscribe();
      await until(() => ends.length === i + 1);
    }
    expect(ends).toEqual(Array(50).fill(Status.CANCELLED));
  });

  it('whose source fails cancels the call, and the caller sees why', async () => {
    const ends: unknown[] = [];
    let received = 0;
    await using service = await startShelf({
      countBooks: (requests: Observable<shelf.CountBooksRequest>) =>
        new Observable(() => {
          requests.subscribe({
            next: () => received++,
            error: (error: RpcError) => ends.push(error.code),
            complete: () => ends.push('complete'),
          });
        }),
    });
    const broken = new Subject<shelf.CountBooksRequest>();
    const answer = firstValueFrom(service.client.countBooks(broken));
    broken.next(named('x'));
    await until(() => received === 1);
    broken.error(new RpcError(Status.INVALID_ARGUMENT, 'INVALID_FIELD', 'line 2'));
    await expect(answer).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT, message: 'line 2' });
    await until(() => ends.length === 1);
    expect(ends).toEqual([Status.CANCELLED]);
  });

  it('with a message that breaks a rule errors in the handler', async () => {
    await using service = await startShelf({
      talkBooks: (requests: Observable<shelf.CountBooksRequest>) => requests.pipe(map(({ name }) => ({ name }))),
    });
    const answers = service.client.talkBooks(of(named('ok'), named('much too long')));
    await expect(lastValueFrom(answers)).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      details: { violations: [{ field: 'name' }] },
    });
  });

  it('does not make a handler wait for it to end before it answers', async () => {
    await using service = await startShelf({
      talkBooks: (requests: Observable<shelf.CountBooksRequest>) =>
        requests.pipe(mergeMap(async ({ name }) => ({ name }))),
    });
    const requests = new Subject<shelf.CountBooksRequest>();
    const answers = toAsyncIterable(service.client.talkBooks(requests));
    const first = answers.next();
    requests.next(named('a'));
    expect((await first).value).toEqual({ name: 'a' });
    await answers.return();
  });
});

describe('the context of a call', () => {
  it('is there in async handlers and on request-stream messages, and goes along with further calls', async () => {
    const seen: (string | undefined)[] = [];
    await using upstream = await startShelf({
      readFile: (_: never, context: CallContext) => ({
        path: `${context.requestId} ${String(context.metadata.get('traceparent')[0])} ${context.deadline < Infinity}`,
      }),
    });
    await using service = await startShelf({
      talkBooks: (requests: Observable<shelf.CountBooksRequest>) =>
        requests.pipe(
          mergeMap(async () => {
            seen.push(currentCall()?.requestId);
            return { name: (await firstValueFrom(upstream.client.readFile({ path: '' }))).path };
          }),
        ),
    });
    const metadata = new Metadata();
    metadata.set('x-request-id', 'r-1');
    metadata.set('traceparent', '00-a-b-01');
    const { name } = await firstValueFrom(service.client.talkBooks(of(named('a')), { metadata }));
    expect([name, seen]).toEqual(['r-1 00-a-b-01 true', ['r-1']]);
  });
});

describe('the server', () => {
  it('refuses to start when a method of a served contract has no handler', async () => {
    const server = new GrpcServer({
      errorDomain: 'testing.v1',
      listen: 'unix:///nowhere/x.sock',
      serve: [{ contract: testingContract, services: [shelfServiceName] }],
    });
    const error = await new Promise<unknown>((resolve) => void server.listen(resolve));
    expect(String(error)).toContain('no handler for /testing.v1.ShelfService/GetBook');
  });

  it('tells its health by Check, List and Watch, and ends watches when it closes', async () => {
    await using service = await startShelf({});
    const client = service.channel.client<health.HealthClient>(rollcallContract, 'grpc.health.v1.Health');
    expect(await firstValueFrom(client.check({ service: shelfServiceName }))).toEqual({ status: 1 });
    await expect(firstValueFrom(client.check({ service: 'nobody' }))).rejects.toMatchObject({ code: Status.NOT_FOUND });
    expect(await firstValueFrom(client.watch({ service: 'nobody' }))).toEqual({ status: 3 });
    expect(await firstValueFrom(client.list({}))).toEqual({
      statuses: { '': { status: 1 }, [shelfServiceName]: { status: 1 } },
    });
    const watched: number[] = [];
    const ended = new Promise<void>((resolve) =>
      client.watch({ service: '' }).subscribe({ next: ({ status }) => watched.push(status), complete: resolve }),
    );
    await until(() => watched.length === 1);
    await service.close();
    await ended;
    expect(watched).toEqual([1, 2]);
  });

  it('reflects its services and their descriptors as they were built, in both versions', async () => {
    await using service = await startShelf({});
    const ask = (request: Partial<reflection.ServerReflectionRequest>, version = 'v1') =>
      firstValueFrom(
        service.channel
          .client<reflection.ServerReflectionClient>(rollcallContract, `grpc.reflection.${version}.ServerReflection`)
          .serverReflectionInfo(of({ host: '', ...request })),
      );
    for (const version of ['v1', 'v1alpha']) {
      const { listServicesResponse } = await ask({ listServices: '*' }, version);
      expect(listServicesResponse?.service.map(({ name }) => name)).toContain(shelfServiceName);
    }
    for (const symbol of [
      shelfServiceName,
      `${shelfServiceName}.GetBook`,
      'testing.v1.Book',
      'testing.v1.Book.a_int32',
      'testing.v1.GENRE_PROSE',
    ]) {
      expect(
        (await ask({ fileContainingSymbol: symbol })).fileDescriptorResponse?.fileDescriptorProto.length,
        symbol,
      ).toBeGreaterThan(1);
    }
    expect((await ask({ fileByFilename: 'google/protobuf/timestamp.proto' })).fileDescriptorResponse).toBeDefined();
    expect(
      (
        await ask({
          fileContainingExtension: { containingType: 'google.protobuf.MethodOptions', extensionNumber: 72295728 },
        })
      ).fileDescriptorResponse,
    ).toBeDefined();
    expect(
      (await ask({ allExtensionNumbersOfType: 'google.protobuf.MethodOptions' })).allExtensionNumbersResponse
        ?.extensionNumber,
    ).toEqual([72295728]);
    for (const unknown of ['no.Such', 'rollcall.user.v1.User', 'rollcall.user.v1.UserService'])
      expect((await ask({ fileContainingSymbol: unknown })).errorResponse?.errorCode, unknown).toBe(Status.NOT_FOUND);
  });

  it('lets calls under way finish when it closes, ends streams at the limit with UNAVAILABLE, and refuses new calls', async () => {
    const finish = Promise.withResolvers<void>();
    let torn = 0;
    await using service = await startShelf({
      readFile: () => finish.promise.then(() => ({ path: 'done' })),
      streamBooks: () => concat(of({ books: [] }), new Observable(() => () => torn++)),
    });
    let streaming = false;
    const streamed = new Promise<unknown>((resolve) =>
      service.client
        .streamBooks({} as shelf.StreamBooksRequest)
        .subscribe({ next: () => (streaming = true), error: resolve }),
    );
    const unary = firstValueFrom(service.client.readFile({ path: '' }));
    await until(() => streaming);
    const closed = service.close();
    finish.resolve();
    expect(await unary).toEqual({ path: 'done' });
    expect(await streamed).toMatchObject({ code: Status.UNAVAILABLE, reason: 'UPSTREAM_UNAVAILABLE' });
    await closed;
    await until(() => torn === 1);
    const fresh = new GrpcChannel(service.target);
    await expect(
      firstValueFrom(fresh.client<shelf.ShelfServiceClient>(testingContract, shelfServiceName).readFile({ path: '' })),
    ).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    fresh.close();
  });

  it('answers a plain client of grpc-js that knows nothing of it', async () => {
    await using service = await startShelf({ readFile: ({ path }: shelf.ReadFileRequest) => ({ path }) });
    const client = new Client(service.target, credentials.createInsecure());
    const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
      client.makeUnaryRequest(
        `/${shelfServiceName}/ReadFile`,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.from('0a0161', 'hex'),
        (error, bytes) => (error ? reject(error) : resolve(bytes)),
      );
    });
    client.close();
    expect(answer?.toString('hex')).toBe('0a0161');
  });
});
