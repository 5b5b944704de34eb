import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { Client } from '@grpc/grpc-js';
import { userService } from '@rollcall/proto';
import { methodOf, personOf, rowOf } from './people.ts';

const { path, codec } = methodOf('ImportUsers');
const identity = (bytes: Buffer): Buffer => bytes;

/** Gives the numbers of users who were not imported yet. */
export type Numbers = () => number;

/**
 * Imports new users over gRPC until it is told to stop, and waits for the last result.
 *
 * @param perMessage how many rows a message holds
 * @returns how many rows were imported
 * @throws Error when a row is not created
 */
export async function importRows(
  client: Client,
  perMessage: number,
  next: Numbers,
  goesOn: () => boolean,
): Promise<number> {
  const call = client.makeBidiStreamRequest(path, identity, identity);
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  let answered = 0;
  call.on('data', (bytes: Buffer) => {
    const { results } = codec.decodeResponse(bytes) as userService.ImportUsersResponse; // by its codec
    const failed = results.find(({ outcome }) => outcome !== userService.ImportResult_Outcome.OUTCOME_CREATED);
    if (failed !== undefined) call.destroy(new Error(`a row was not created: ${JSON.stringify(failed)}`));
    answered += results.length;
  });
  call.on('end', resolve);
  call.on('error', reject);
  let sent = 0;
  while (goesOn()) {
    const users = Array.from({ length: perMessage }, () => rowOf(personOf(next())));
    sent += perMessage;
    const message = perMessage === 1 ? { user: users[0] } : { users };
    if (!call.write(codec.encodeRequest(message))) await Promise.race([once(call, 'drain'), ended]);
  }
  call.end();
  await ended;
  if (answered !== sent) throw new Error(`${sent} rows were sent, and ${answered} answered`);
  return sent;
}

/** The same over REST, a line per row, as `curl -T users.ndjson` does. */
export async function importLines(socketPath: string, next: Numbers, goesOn: () => boolean): Promise<number> {
  const request = httpRequest({
    socketPath,
    path: '/v1/users:import',
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const responding = once(request, 'response') as Promise<[IncomingMessage]>;
  const counting = responding.then(async ([response]) => {
    let [lines, rest] = [0, ''];
    for await (const text of response.setEncoding('utf8') as AsyncIterable<string>) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      const wrong = parts.find((line) => !line.includes('"OUTCOME_CREATED"'));
      if (wrong !== undefined) throw new Error(`a row was not created: ${wrong}`);
      lines += parts.length;
    }
    return lines;
  });
  let sent = 0;
  while (goesOn()) {
    let text = '';
    for (let line = 0; line < 50; line += 1, sent += 1) {
      const { name, email, age } = personOf(next());
      text += `${JSON.stringify({ name, email, age })}\n`;
    }
    if (!request.write(text)) await Promise.race([once(request, 'drain'), counting]);
  }
  request.end();
  const lines = await counting;
  if (lines !== sent) throw new Error(`${sent} lines were sent, and ${lines} answered`);
  return sent;
}
