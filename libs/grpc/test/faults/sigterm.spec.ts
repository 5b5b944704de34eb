import { status as Status } from '@grpc/grpc-js';
import { concat, NEVER, type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { RpcError } from '../../src/status/rpc-error.ts';
import { settled, type Shelf, until } from '../shelf-service.ts';
import { startServer } from './processes/processes.ts';
import type { Scene } from './processes/scenes.ts';
import { anyBooks, connect, named } from './servers.ts';

const streams = 200;
/** Reduced in `npm test`; `npm run test:faults` leaves the server its own 10 s. */
const drainMs = process.env['FAULTS_OWN_DRAIN'] === '1' ? undefined : 2000;
const limitMs = 10_000; // the server's own, and far more than the reduced one for a machine that is busy with the other tests

const resumable = (client: Shelf): Observable<unknown> => client.streamBooks(anyBooks);
const talk = (client: Shelf): Observable<unknown> => client.talkBooks(concat(of(named('a')), NEVER));

/** Sends SIGTERM to a server with 200 open streams on 4 connections, which have begun. */
async function terminate(scene: Scene, open: (client: Shelf) => Observable<unknown>) {
  const server = await startServer(scene);
  const connections = Array.from({ length: 4 }, () => connect(server.target));
  const errors: RpcError[] = [];
  let begun = 0;
  const readings = connections.flatMap(({ client }) =>
    Array.from({ length: streams / connections.length }, () =>
      open(client).subscribe({ next: () => begun++, error: (error: RpcError) => errors.push(error) }),
    ),
  );
  await until(() => begun === streams);
  const start = performance.now();
  server.kill('SIGTERM');
  const exited = server.exited.then(({ code }) => ({ code, tookMs: performance.now() - start }));
  return {
    exited,
    errors,
    async [Symbol.asyncDispose]() {
      for (const reading of readings) reading.unsubscribe();
      for (const { close } of connections) close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe(`SIGTERM with ${streams} open streams`, () => {
  it('stock Nest: does not end a process that shuts down gracefully', async () => {
    await using terminated = await terminate({ side: 'stock', scene: 'endless' }, resumable);
    const alive = settled(() => 0, ((drainMs ?? limitMs) + 1000) / 5).then(() => 'alive');
    expect(await Promise.race([terminated.exited, alive])).toBe('alive');
    expect(terminated.errors).toEqual([]);
  });

  it.each([
    ['that can be taken up again, and says where', resumable, { cursor: '7' }],
    ['that cannot be taken up again', talk, {}],
  ])(
    `libs/grpc: ends the process with code 0 within ${limitMs / 1000} s, and each stream %s`,
    async (_, open, metadata) => {
      const own = drainMs === undefined ? {} : { drainMs };
      await using terminated = await terminate({ side: 'ours', scene: 'endless', ...own }, open);
      const { code, tookMs } = await terminated.exited;
      console.log(`libs/grpc, SIGTERM with ${streams} open streams: exit code ${code} after ${Math.round(tookMs)} ms`);
      expect(code).toBe(0);
      expect(tookMs).toBeLessThanOrEqual(limitMs);
      await until(() => terminated.errors.length === streams);
      for (const error of terminated.errors) {
        expect(error).toMatchObject({
          code: Status.UNAVAILABLE,
          reason: 'UPSTREAM_UNAVAILABLE',
          details: { metadata },
        });
      }
    },
  );
});
