import { codecsOf } from '@rollcall/contract';
import { rollcallContract } from '@rollcall/proto';
import type { Bench, Result, RunOptions } from '../measure/bench.ts';
import { compareLoaded } from '../gateway/comparison.ts';
import { startRollcall } from '../gateway/servers.ts';
import { getRandomUser, randomUserId, seedUsers } from '../gateway/users.ts';
import type { LoadRequest } from '../measure/http-load.ts';
import { temporaryFolder } from '../measure/temporary-folder.ts';

const path = '/rollcall.user.v1.UserService/GetUser';

/** One user by each way that a unary call may come to the gateway. */
export const doorsBench: Bench = {
  name: 'doors',
  summary: 'one user from the gateway: REST, Connect by POST and by GET, in Protocol Buffers and in JSON',
  run: compareDoors,
};

async function compareDoors(options: RunOptions): Promise<Result> {
  await using stack = new AsyncDisposableStack();
  const folder = temporaryFolder(stack);
  options.progress('starting the servers, and filling their store');
  const server = stack.use(startRollcall(folder, 'rollcall', {}));
  await server.answers('/v1/caller', options.signal);
  await seedUsers(server.socketPath);
  const doors = {
    REST: () => getRandomUser(),
    Connect: () => post('application/proto', encoded(randomUserId())),
    'Connect by GET': () => get(encoded(randomUserId())),
    'Connect in JSON': () => post('application/json', Buffer.from(`{"id":"${randomUserId()}"}`)),
  };
  const loaded = Object.entries(doors).map(([name, next]) => ({ server: server.named(name), next }));
  const goal = 'The goal is a cpuMicrosPerOp of Connect of at most 0.9 times that of REST.';
  return await compareLoaded('doors', options, loaded, ['REST'], [goal]);
}

const codec = codecsOf(rollcallContract).get(path);

function encoded(id: number): Buffer {
  return codec?.encodeRequest({ id: String(id) }) ?? Buffer.alloc(0);
}

const isRight: LoadRequest['isRight'] = ({ status, body }) => status === 200 && body.includes('@bench.example');

function post(type: string, body: Buffer): LoadRequest {
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`;
  return { text: head + body.toString('latin1'), isRight };
}

function get(message: Buffer): LoadRequest {
  const query = `connect=v1&encoding=proto&base64=1&message=${message.toString('base64url')}`;
  return { text: `GET ${path}?${query} HTTP/1.1\r\nhost: localhost\r\n\r\n`, isRight };
}
