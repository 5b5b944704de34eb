import { it } from 'vitest';
import { stock, ours, messageCounter, named } from './servers.ts';
import { pulled } from '../../src/grpc.ts';
it('x', async () => {
  for (const start of [stock, ours]) {
    const entry = Promise.withResolvers<boolean>();
    class G {
      canActivate() {
        return entry.promise;
      }
    }
    const { counts, interceptor } = messageCounter();
    await using service = await start({ talkBooks: (r: never) => r }, { guard: G, interceptor });
    let sent = 0;
    const requests = pulled(function* () {
      while (sent < 20_000) {
        sent++;
        yield named('x', 's'.repeat(1000));
      }
    });
    const s = service.client.talkBooks(requests).subscribe({ error() {} });
    const t = Date.now();
    for (let i = 0; i < 30; i++) {
      await new Promise((r) => setTimeout(r, 30));
      console.log(Date.now() - t, sent, counts.read);
    }
    s.unsubscribe();
    entry.resolve(false);
  }
});
