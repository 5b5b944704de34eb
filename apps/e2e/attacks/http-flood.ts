import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { type Attack, attackConnections } from './attack.ts';
import { untilAborted } from './until-aborted.ts';

/** A request of a flood. */
export interface Flooding {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Requests that are whole, one after the other on each connection, as fast as they are answered. */
export function httpFlood(name: string, next: () => Flooding): Attack {
  return {
    name,
    run: async ({ host, restPort: port }, signal) => {
      const agent = new Agent({ keepAlive: true, maxSockets: attackConnections });
      try {
        return await untilAborted(signal, attackConnections, async (leave) => {
          const { body, ...asking } = next();
          const asked = request({ host, port, agent, ...asking, signal: leave });
          asked.on('error', () => undefined); // it is refused in the middle, and the connection is closed
          asked.end(body);
          const [response] = (await once(asked, 'response', { signal: leave })) as [IncomingMessage];
          response.resume();
          await once(response, 'close', { signal: leave });
        });
      } finally {
        agent.destroy();
      }
    },
  };
}
