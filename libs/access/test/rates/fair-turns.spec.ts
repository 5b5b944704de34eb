import { RpcError } from '@rollcall/grpc';
import { expect, it } from 'vitest';
import { FairTurns } from '../../src/rates/fair-turns.ts';

/** Turns, and work that is done when the test says so. */
function turnsOf(limits: ConstructorParameters<typeof FairTurns>[0]) {
  const turns = new FairTurns(limits);
  const started: { name: string; done: () => void }[] = [];
  const settled: string[] = [];
  const run = (address: string, name: string): void => {
    turns
      .run(address, () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        started.push({ name, done: resolve });
        return promise;
      })
      .then(
        () => settled.push(name),
        (error: unknown) => settled.push(`${name}: ${error instanceof RpcError ? error.reason : String(error)}`),
      );
  };
  const settle = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { turns, run, started, settled, settle, names: () => started.map(({ name }) => name) };
}

it('serves whoever comes last first, so that a flood of an address keeps nobody of it waiting', async () => {
  const { run, started, names, settle } = turnsOf({ running: 10, runningOfAddress: 1 });
  for (let call = 0; call < 100; call += 1) run('10.0.0.1', `bad ${call}`);
  run('10.0.0.1', 'valid');
  started[0]?.done();
  await settle();
  expect(names()).toEqual(['bad 0', 'valid']);
});

it('lets addresses take turns, and all of an IPv6 network be one of them', async () => {
  const { run, started, names, settle } = turnsOf({ running: 1 });
  run('2001:db8::1', 'first');
  for (let call = 0; call < 3; call += 1) run(`2001:db8::${call}`, `flood ${call}`);
  run('10.0.0.1', 'other');
  for (let turn = 0; turn < 4; turn += 1) {
    started.at(-1)?.done();
    await settle();
  }
  expect(names()).toEqual(['first', 'flood 2', 'other', 'flood 1', 'flood 0']);
});

it('refuses the oldest when too many of an address wait, and of the address with the most when too many wait in all', async () => {
  const { run, settled, settle } = turnsOf({ running: 1, waiting: 5, waitingOfAddress: 4 });
  run('10.0.0.1', 'running');
  for (let call = 0; call < 5; call += 1) run('10.0.0.1', `flood ${call}`);
  await settle();
  expect(settled).toEqual(['flood 0: RATE_LIMITED']);
  run('10.0.0.2', 'other');
  run('10.0.0.3', 'another');
  await settle();
  expect(settled).toEqual(['flood 0: RATE_LIMITED', 'flood 1: RATE_LIMITED']);
});

it('goes on after work that fails', async () => {
  const turns = new FairTurns({ running: 1 });
  const failing = turns.run('a', () => Promise.reject(new Error('away')));
  const after = turns.run('a', () => Promise.resolve('done'));
  await expect(failing).rejects.toThrow('away');
  await expect(after).resolves.toBe('done');
});
