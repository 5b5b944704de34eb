import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type Attack, attackConnections } from './attack.ts';
import { untilAborted } from './until-aborted.ts';

/** Half a million elements that are no user: a report of each would cost far more than reading them. */
const body = `{"users":[${'1,'.repeat(511_000)}1]}`;

/** Bodies of which each byte is wrong, by people who may not even send a right one. */
export const longErrorReports: Attack = {
  name: 'bodies full of faults',
  run: ({ host, restPort: port }, signal) =>
    untilAborted(signal, attackConnections, async (leave) => {
      const headers = { 'content-type': 'application/json' };
      const asked = request({
        host,
        port,
        path: '/v1/users:import',
        method: 'POST',
        headers,
        agent: false,
        signal: leave,
      });
      asked.on('error', () => undefined); // the answer comes before the body is sent, and the connection is closed
      asked.end(body);
      const [response] = (await once(asked, 'response', { signal: leave })) as [IncomingMessage];
      response.resume();
      await once(response, 'close', { signal: leave });
    }),
};
