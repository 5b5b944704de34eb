/** The servers that a storm is over: they do with each call what its order says. */
import type { Socket } from 'node:net';
import { status as Status } from '@grpc/grpc-js';
import type { shelf } from '@rollcall/contract/testing';
import { Observable } from 'rxjs';
import { type Authorize, type CallContext, RpcError, http2Servers } from '@rollcall/grpc';
import { batchPath } from '../../src/wire/method.ts';
import { batched } from '../batched.ts';
import { type Handlers, startShelf } from '../../../grpc/test/shelf-service.ts';
import { answerTo, readOrder, type Written } from './orders.ts';

/** What the servers and the callers of a storm tell of it. */
export interface Ledger {
  /** How often the handler of each call has run. */
  readonly runs: Map<number, number>;
  /** How often connections were cut, and how often of these long enough ago for callers to have noticed. */
  cuts: number;
  cutsNoticed: number;
  /** What must not be, on the side of the servers. */
  readonly faults: string[];
  /** How many handlers run just now. */
  running: number;
}

export const newLedger = (): Ledger => ({ runs: new Map(), cuts: 0, cutsNoticed: 0, faults: [], running: 0 });

export interface StormServer extends AsyncDisposable {
  readonly address: string;
  /** Breaks all its connections. */
  cut(): void;
  close(): Promise<void>;
}

export async function startStormServer(listen: string, ledger: Ledger): Promise<StormServer> {
  const carryOut = (text: string, context: CallContext, field: string): Observable<object> => {
    const order = readOrder(text);
    ledger.runs.set(order.id, (ledger.runs.get(order.id) ?? 0) + 1);
    if (context.caller !== order.id) ledger.faults.push(`${order.id} came as ${String(context.caller)}`);
    return new Observable((subscriber) => {
      ledger.running += 1;
      const end = (): void => {
        if (order.fate === 'fail') subscriber.error(failureOf(order));
        else if (order.fate === 'answer') {
          subscriber.next({ [field]: answerTo(order) });
          subscriber.complete();
        }
      };
      const timer = order.delayMs === 0 ? undefined : setTimeout(end, order.delayMs);
      if (timer === undefined) end();
      return () => {
        ledger.running -= 1;
        clearTimeout(timer);
      };
    });
  };
  const handlers: Handlers = {
    getBook: ({ name }: shelf.GetBookRequest, context) => carryOut(name, context, 'name'),
    readFile: ({ path }: shelf.ReadFileRequest, context) => carryOut(path, context, 'path'),
  };
  const service = await startShelf(handlers, { listen, ...batched, authorize, drainMs: 2000 });
  const sockets = new Set<Socket>();
  for (const server of http2Servers(service.server.unwrap())) {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
  }
  return {
    address: service.server.address,
    cut() {
      ledger.cuts += 1;
      for (const socket of sockets) socket.resetAndDestroy();
      afterTurns(20, () => (ledger.cutsNoticed += 1));
    },
    close: () => service.close(),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

/** Lets each call in as the one whose order it brings, half of them at once. */
const authorize: Authorize = ({ method, metadata }) => {
  if (method.path === batchPath) return { caller: undefined };
  const order = readOrder(String(metadata.get('x-order')[0]));
  const decide = () => {
    if (order.fate === 'refuse') throw new RpcError(Status.PERMISSION_DENIED, 'NOT_PERMITTED', String(order.id));
    return { caller: order.id };
  };
  return order.id % 2 === 0 ? decide() : new Promise(setImmediate).then(decide);
};

/** Waits for turns of the event loop. */
function afterTurns(turns: number, act: () => void): void {
  setImmediate(() => (turns === 0 ? act() : afterTurns(turns - 1, act)));
}

function failureOf({ id, code }: Written): RpcError {
  return new RpcError(code, 'INTERNAL', String(id));
}
