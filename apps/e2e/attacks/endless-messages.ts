import { type Attack, attackConnections } from './attack.ts';
import { beginCall, head, onConnection } from './grpc-calls.ts';
import { untilAborted } from './until-aborted.ts';

/** Methods that anybody may call, and how large a message is begun of each. */
const messages = [
  ['/grpc.health.v1.Health/Check', 4096],
  ['/rollcall.access.v1.AccessService/GetCaller', 4096],
  ['/rollcall.transport.v1.BatchService/Batch', 1024 * 1024],
  ['/rollcall.user.v1.UserService/CreateUser', 4 * 1024 * 1024],
] as const;
const filling = Buffer.alloc(4 * 1024 * 1024);

/** Calls whose messages never come to their end: all but the last bytes of them are sent, and then a byte now and then. */
export const endlessMessages: Attack = {
  name: 'messages that do not end',
  run: (target, signal) =>
    untilAborted(signal, attackConnections, (leave) =>
      onConnection(target, leave, async (session) => {
        for (let round = 0; round < 100; round++)
          for (const [path, bytes] of messages) {
            const stream = beginCall(session, path);
            stream.write(head(bytes));
            stream.write(filling.subarray(0, bytes - 100));
            const drip = setInterval(() => stream.write('x'), 1000);
            stream.once('close', () => clearInterval(drip));
          }
        await new Promise((resolve) => session.once('close', resolve));
      }),
    ),
};
