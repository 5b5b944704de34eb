import { status as Status } from '@grpc/grpc-js';
import type { Observable } from 'rxjs';
import { expect, it } from 'vitest';
import type { RpcError } from '../../src/status/rpc-error.ts';
import { end, fixedHeaders, plainConnection } from '../plain-http2.ts';
import { frame } from '../scripted-server.ts';
import { shelfServiceName, startShelf } from '../shelf-service.ts';

it.each([
  ['CountBooks', 'in its bytes', 7],
  ['CountBooks', 'in its length', 3],
  ['TalkBooks', 'in its bytes', 7],
  ['TalkBooks', 'in its length', 3],
])('%s is not taken for whole when its last request is cut %s', async (name, _, kept) => {
  const ends: string[] = [];
  const read = (requests: Observable<object>): Promise<object> =>
    new Promise((resolve, reject) => {
      requests.subscribe({
        complete: () => {
          ends.push('complete');
          resolve({});
        },
        error: (error: RpcError) => {
          ends.push(Status[error.code] ?? '');
          reject(error);
        },
      });
    });
  await using service = await startShelf({ countBooks: read, talkBooks: read });
  const session = plainConnection(service);
  const stream = session.request({ ':method': 'POST', ':path': `/${shelfServiceName}/${name}`, ...fixedHeaders });
  stream.on('error', () => undefined); // `end` tells of it
  stream.end(Buffer.concat([frame(Buffer.alloc(0)), frame(Buffer.from([0x0a, 1, 0x61])).subarray(0, kept)]));
  expect(await end(stream.resume())).toBe('INTERNAL');
  expect(ends).toEqual(['INTERNAL']);
  session.close();
});
