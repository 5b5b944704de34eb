import { concat, EMPTY, lastValueFrom, map, of, timer, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { RpcError } from '../../src/grpc.ts';
import { until } from '../shelf-service.ts';
import { messageCounter, ours, type Start, stock } from './servers.ts';

/** What the caller of a unary method gets, and how many messages the server sends for it. */
async function answerOf(start: Start, readFile: () => unknown, enough: (sent: number) => boolean = () => true) {
  const { counts, interceptor } = messageCounter();
  await using service = await start({ readFile }, { interceptor });
  const call = service.client.readFile({ path: '' }, { deadline: Date.now() + 500 });
  const answer = await lastValueFrom(call.pipe(toArray())).catch((error: RpcError) => error.code);
  await until(() => enough(counts.sent));
  return { answer, sent: counts.sent };
}
