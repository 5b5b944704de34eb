import { status as Status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { endlessCalls, endlessHandlers, kinds } from '../endless-calls.ts';
import { failure } from '../faults/servers.ts';
import { end, plainConnection, request } from '../plain-http2.ts';
import { startShelf, until } from '../shelf-service.ts';
import { ways } from '../ways.ts';

/** What is to be known of each kind of call, when all of them ended with a code. */
const allWith = (code: Status) => Object.fromEntries(kinds.map((kind) => [kind, { code }]));

describe.each(ways)(
  'calls of all four kinds, unary ones %s, are torn down, and their signal says why,',
  (_way, batched) => {
    it('when the client is gone', async () => {
      const { running, torn, reasons, handlers } = endlessHandlers();
      await using service = await startShelf(handlers, batched);
      const calls = endlessCalls(service.client).map((call) => call.subscribe());
      await until(() => running.length === 4);
      for (const call of calls) call.unsubscribe();
      await until(() => torn.length === 4);
      expect(torn.toSorted()).toEqual(kinds.toSorted());
      expect(reasons).toMatchObject(allWith(Status.CANCELLED));
    });

    it('when the connection breaks', async () => {
      const { running, torn, reasons, handlers } = endlessHandlers();
      await using service = await startShelf(handlers, batched);
      const session = plainConnection(service);
      for (const kind of kinds) request(session, kind);
      await until(() => running.length === 4);
      session.destroy();
      await until(() => torn.length === 4);
      expect(reasons).toMatchObject(allWith(Status.CANCELLED));
    });

    it('at the deadline, which the server keeps by itself', async () => {
      const { torn, reasons, handlers } = endlessHandlers();
      await using service = await startShelf(handlers, batched);
      const session = plainConnection(service); // it does not know of deadlines
      const ends = kinds.map((kind) => end(request(session, kind, { 'grpc-timeout': '500m' }).resume()));
      await until(() => torn.length === 4);
      expect(reasons).toMatchObject(allWith(Status.DEADLINE_EXCEEDED));
      expect(await Promise.all(ends)).toEqual(kinds.map(() => 'DEADLINE_EXCEEDED'));
      session.close();
    });

    it('when the server ends, once the others have had their time', async () => {
      const { running, torn, reasons, handlers } = endlessHandlers();
      await using service = await startShelf(handlers, { drainMs: 200, ...batched });
      const failures = endlessCalls(service.client).map(failure);
      await until(() => running.length === 4);
      await service.close();
      await until(() => torn.length === 4);
      expect(reasons).toMatchObject(allWith(Status.UNAVAILABLE));
      for (const error of await Promise.all(failures)) expect(error.code).toBe(Status.UNAVAILABLE);
    });

    it('when the call has reached its deadline that they were made for: DEADLINE_EXCEEDED', async () => {
      const { handlers } = endlessHandlers();
      await using upstream = await startShelf(handlers, batched);
      const inner: string[] = [];
      await using service = await startShelf({
        readFile: async () => {
          const ends = endlessCalls(upstream.client).map(failure);
          for (const { code } of await Promise.all(ends)) inner.push(Status[code] ?? '');
          return { path: '' };
        },
      });
      const session = plainConnection(service); // it does not know of deadlines
      expect(await end(request(session, 'ReadFile', { 'grpc-timeout': '300m' }).resume())).toBe('DEADLINE_EXCEEDED');
      await until(() => inner.length === 4);
      expect(inner).toEqual(kinds.map(() => 'DEADLINE_EXCEEDED'));
      session.close();
    });

    it('when the call is gone that they were made for', async () => {
      const { running, torn, reasons, handlers } = endlessHandlers();
      await using upstream = await startShelf(handlers, batched);
      const [readFile, countBooks, streamBooks, talkBooks] = [0, 1, 2, 3].map(
        (kind) => () => endlessCalls(upstream.client)[kind],
      );
      await using service = await startShelf({ readFile, countBooks, streamBooks, talkBooks }, batched);
      const calls = endlessCalls(service.client).map((call) => call.subscribe());
      await until(() => running.length === 4);
      for (const call of calls) call.unsubscribe();
      await until(() => torn.length === 4);
      expect(reasons).toMatchObject(allWith(Status.CANCELLED));
    });
  },
);
