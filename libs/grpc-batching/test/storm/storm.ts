/** A storm of random calls, and the judgement of each. */
import { Metadata, status as Status } from '@grpc/grpc-js';
import { codecsOf } from '@rollcall/contract';
import { testingContract } from '@rollcall/contract/testing';
import { callableMethod, type CallableMethod, type GrpcChannel, RpcError } from '@rollcall/grpc';
import { shelfServiceName } from '../../../grpc/test/shelf-service.ts';
import { answerTo, type Order, randomNumbers, randomOrder, written } from './orders.ts';
import type { Ledger } from './storm-service.ts';

export interface Storm {
  readonly channel: GrpcChannel;
  readonly ledger: Ledger;
  readonly calls: number;
  readonly seed: number;
  /** How many calls are made at a time. */
  readonly atATime: number;
  /** Called before each call. */
  readonly onCall?: (id: number) => void;
}

/** What became of a storm. */
export interface Outcome {
  /** How many calls ended how: `OK`, `given up`, or the name of a code. */
  readonly ends: Record<string, number>;
  /** What must not be. */
  readonly faults: string[];
}

type End = { readonly value: string } | { readonly error: RpcError } | 'given up';

/** Makes the calls, and settles when each has ended. */
export async function rage({ channel, ledger, calls, seed, atATime, onCall }: Storm): Promise<Outcome> {
  const random = randomNumbers(seed);
  const ends: Record<string, number> = {};
  const faults: string[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < calls) {
      const id = ++next;
      onCall?.(id);
      const order = randomOrder(id, random);
      const begunAt = Date.now();
      const noticedBefore = ledger.cutsNoticed;
      const { end, answers } = await call(channel, order);
      const name = end === 'given up' ? end : 'value' in end ? 'OK' : (Status[end.error.code] ?? '');
      ends[name] = (ends[name] ?? 0) + 1;
      const cut = ledger.cuts > noticedBefore;
      const fault = faultOf(order, end, { cut, tookMs: Date.now() - begunAt, runs: ledger.runs.get(id) ?? 0, answers });
      if (fault !== undefined) faults.push(`${written(order).slice(0, 60)}: ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: atATime }, caller));
  return { ends, faults };
}

/** Why an outcome cannot be; undefined when it can. */
function faultOf(
  order: Order,
  end: End,
  seen: { readonly cut: boolean; readonly tookMs: number; readonly runs: number; readonly answers: () => number },
): string | undefined {
  if (seen.answers() > 1) return `it was answered ${seen.answers()} times`;
  if (seen.runs > 1 && !order.idempotent) return `it was carried out ${seen.runs} times`;
  if (end === 'given up') return order.cancelMs === Infinity ? 'nobody has given it up' : undefined;
  if ('value' in end) {
    if (order.fate !== 'answer') return 'it was answered';
    return end.value === answerTo(order) ? undefined : `it was answered "${end.value.slice(0, 20)}"`;
  }
  const { code, message } = end.error;
  if (code === Status.DEADLINE_EXCEEDED)
    return seen.tookMs >= order.deadlineMs - timerMs ? undefined : `its deadline passed after ${seen.tookMs} ms`;
  if (code === Status.UNAVAILABLE)
    return seen.cut ? undefined : `it was UNAVAILABLE, and no connection was cut: ${message}`;
  const meant =
    (order.fate === 'refuse' && code === Status.PERMISSION_DENIED) || (order.fate === 'fail' && code === order.code);
  return meant && message === String(order.id) ? undefined : `it failed with ${Status[code]} "${message}"`;
}

/** By how much a timer of Node may be early by the clock, in milliseconds. */
const timerMs = 2;

const codecs = codecsOf(testingContract);

/** A method whose request and response hold one string each. */
function textMethod(localName: string, field: string, onAnswer: () => void): CallableMethod<string, string> {
  const method = [...testingContract.methods.values()].find(
    (each) => each.service === shelfServiceName && each.localName === localName,
  );
  const codec = codecs.get(method?.path ?? '');
  if (method === undefined || codec === undefined) throw new Error(`there is no ${localName}`);
  return callableMethod(
    method,
    (text: string) => codec.encodeRequest({ [field]: text }),
    (bytes: Buffer) => {
      onAnswer();
      return String((codec.decodeResponse(bytes) as Record<string, unknown>)[field]);
    },
  );
}

/** Makes one call. */
async function call(
  channel: GrpcChannel,
  order: Order,
): Promise<{ readonly end: End; readonly answers: () => number }> {
  let answers = 0;
  const count = (): void => void (answers += 1);
  const method = order.idempotent ? textMethod('getBook', 'name', count) : textMethod('readFile', 'path', count);
  const metadata = new Metadata();
  metadata.set('x-order', written(order));
  const end = await new Promise<End>((resolve) => {
    let value = '';
    let timer: NodeJS.Timeout | undefined;
    const subscription = channel
      .call(method, written(order), { metadata, deadline: Date.now() + order.deadlineMs })
      .subscribe({
        next: (answer) => (value = answer),
        error: (error: unknown) => {
          clearTimeout(timer);
          resolve({ error: error instanceof RpcError ? error : new RpcError(Status.UNKNOWN, '', String(error)) });
        },
        complete: () => {
          clearTimeout(timer);
          resolve({ value });
        },
      });
    if (order.cancelMs === Infinity || subscription.closed) return;
    timer = setTimeout(() => {
      subscription.unsubscribe();
      resolve('given up');
    }, order.cancelMs);
  });
  return { end, answers: () => answers };
}
