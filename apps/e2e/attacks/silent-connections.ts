import { once } from 'node:events';
import { connect } from 'node:net';
import { type Attack, attackConnections } from './attack.ts';
import { untilAborted } from './until-aborted.ts';

/** Connections that say nothing, or begin HTTP/2 and do not go on, each for a while. */
export const silentConnections: Attack = {
  name: 'connections that say nothing',
  run: ({ host, userPort, chatPort }, signal) =>
    untilAborted(signal, attackConnections, async (leave) => {
      const socket = connect({ host, port: Math.random() < 0.5 ? userPort : chatPort });
      socket.on('error', () => undefined).resume(); // it is cut off by those who are attacked
      try {
        await once(socket, 'connect', { signal: leave });
        if (Math.random() < 0.9) return; // most of them come and go
        socket.write('PRI * HTTP/2.0\r\n\r\nSM');
        await once(socket, 'close', { signal: leave });
      } finally {
        socket.destroy();
      }
    }),
};
