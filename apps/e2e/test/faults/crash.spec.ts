import { firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { ask, send, startRollcall } from '../rollcall.ts';

it(
  'what was acknowledged over REST and gRPC is there after kill -9, and the gateway finds the service again',
  { timeout: 60_000 },
  async () => {
    await using rollcall = await startRollcall({ LOG_LEVEL: 'fatal' });
    for (let round = 0; round < 3; round++) {
      const acknowledged: string[] = [];
      let killing: Promise<void> | undefined;
      const write = async (create: (name: string) => Promise<string | undefined>, caller: number): Promise<void> => {
        for (let n = 0; ; n++) {
          const id = await create(`r${round} c${caller} n${n}`).catch(() => undefined);
          if (id === undefined) return;
          acknowledged.push(id);
          if (acknowledged.length === 500) killing = rollcall.kill('user-service');
        }
      };
      const overRest = async (name: string): Promise<string | undefined> => {
        const { status, json } = await send(rollcall, 'POST', '/v1/users', { name });
        return status === 201 ? String(json['id']) : undefined;
      };
      const overGrpc = async (name: string): Promise<string | undefined> => {
        const user = {
          name,
          email: '',
          id: '0',
          type: 0,
          createTime: null,
          updateTime: null,
          deleteTime: null,
          purgeTime: null,
          etag: '',
        };
        return (await firstValueFrom(rollcall.users.createUser({ user, requestId: '' }))).user?.id;
      };
      await Promise.all(
        Array.from({ length: 16 }, (_, caller) => write(caller % 2 === 0 ? overRest : overGrpc, caller)),
      );
      await killing;
      const down = await ask(rollcall, '/v1/users/1');
      expect([down.status, down.headers['content-type']]).toEqual([503, 'application/problem+json']);
      expect((await ask(rollcall, '/readyz')).status).toBe(503);
      await rollcall.restart('user-service');
      for (let at = 0; at < acknowledged.length; at += 500) {
        const answer = await ask(
          rollcall,
          `/v1/users:batchGet?${acknowledged
            .slice(at, at + 500)
            .map((id) => `ids=${id}`)
            .join('&')}`,
        );
        expect((JSON.parse(answer.text) as { missingIds: string[] }).missingIds).toEqual([]);
      }
      expect(acknowledged.length).toBeGreaterThanOrEqual(500);
    }
  },
);

it('SIGTERM ends both processes with exit code 0', async () => {
  await using rollcall = await startRollcall();
  expect(await rollcall.stop()).toEqual([0, 0, 0]);
});
