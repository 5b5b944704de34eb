import { describe, expect, it } from 'vitest';
import { batchClient } from '../src/client/batched-request.ts';
import { GrpcChannel } from '@rollcall/grpc';
import { until } from '../../grpc/test/shelf-service.ts';
import { startBetween } from './storm/between.ts';
import { newLedger, startStormServer, type StormServer } from './storm/storm-service.ts';
import { rage } from './storm/storm.ts';

const calls = Number(process.env['FAULTS_CALLS'] ?? 20_000);
const seed = Number(process.env['FAULTS_SEED'] ?? Date.now() % 1_000_000);

describe('a storm of calls', () => {
  it(
    'gives each its own answer or a truthful status, once, while connections break',
    { timeout: 280_000 },
    async () => {
      const ledger = newLedger();
      await using one = await startStormServer('127.0.0.1:0', ledger);
      const port = one.address.split(':')[1];
      await using two = await startStormServer(`127.0.0.2:${port}`, ledger);
      const third = `127.0.0.3:${port}`;
      let passing: StormServer | undefined = await startStormServer(third, ledger);
      const channel = new GrpcChannel(`ipv4:${one.address},${two.address},${third}`, { unaryCalls: batchClient() });
      let ended: Promise<void> = Promise.resolve();
      const onCall = (id: number): void => {
        if (id % 1000 === 500) (id % 2000 === 500 ? one : two).cut();
        if (id === Math.floor(calls / 3)) {
          const leaving = passing;
          passing = undefined;
          ended = leaving?.close().then(() => leaving[Symbol.asyncDispose]()) ?? ended;
        }
        if (id === Math.floor((calls * 2) / 3))
          ended = ended.then(async () => void (passing = await startStormServer(third, ledger)));
      };
      const { ends, faults } = await rage({ channel, ledger, calls, seed, atATime: 300, onCall });
      await ended;
      await until(() => ledger.running === 0);
      console.log(`seed ${seed}, ${ledger.cuts} cuts:`, ends);
      expect([...faults, ...ledger.faults]).toEqual([]);
      expect(Object.values(ends).reduce((sum, count) => sum + count)).toBe(calls);
      expect(ends['OK']).toBeGreaterThan(calls / 2);
      channel.close();
      await passing?.[Symbol.asyncDispose]();
    },
  );

  it('is found out when two answers are swapped', async () => {
    const ledger = newLedger();
    let swaps = 0;
    await using server = await startStormServer('127.0.0.1:0', ledger);
    using swapping = await startBetween(server.address, (replies) => {
      const [first, second] = replies.filter(({ status }) => status === 0);
      if (swaps === 5 || first === undefined || second === undefined) return replies;
      swaps += 1;
      const others = replies.filter((reply) => reply !== first && reply !== second);
      return [{ ...first, id: second.id }, { ...second, id: first.id }, ...others];
    });
    const channel = new GrpcChannel(swapping.address, { unaryCalls: batchClient() });
    const { faults } = await rage({ channel, ledger, calls: 2000, seed, atATime: 100 });
    channel.close();
    expect(swaps).toBe(5);
    expect(faults.length).toBeGreaterThan(0); // of some of these calls the callers may have gone
    expect(faults.length).toBeLessThanOrEqual(10);
  });

  it('brings one answer for each call', async () => {
    const ledger = newLedger();
    const ids: number[] = [];
    await using server = await startStormServer('127.0.0.1:0', ledger);
    using watching = await startBetween(server.address, (replies) => {
      ids.push(...replies.map(({ id }) => id));
      return replies;
    });
    const channel = new GrpcChannel(watching.address, { unaryCalls: batchClient() });
    const { faults, ends } = await rage({ channel, ledger, calls: 3000, seed, atATime: 300 });
    channel.close();
    expect(faults).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(ends['OK'] ?? 0);
    expect(ids.length).toBeLessThanOrEqual(3000);
  });
});
