import { status as Status } from '@grpc/grpc-js';
import { markSent, RpcError } from '@rollcall/grpc';
import { expect, it } from 'vitest';
import { presentableError } from '../../src/problem/presentable-error.ts';
import { problemOf } from '../../src/problem/problem.ts';

function problem(error: RpcError): object {
  return problemOf(presentableError(error), 'id');
}

const exhausted = (message: string): RpcError => new RpcError(Status.RESOURCE_EXHAUSTED, '', message);

it('takes RESOURCE_EXHAUSTED of any service for too many calls', () => {
  expect(problem(markSent(exhausted('quota')))).toMatchObject({ status: 429, detail: 'quota' });
});

it.each(['grpc: received message larger than max (5 vs. 4)', 'Received message larger than max (5 vs 4)'])(
  'takes it for a size where the service says so: %s',
  (message) => {
    expect(problem(markSent(exhausted(message)))).toMatchObject({ status: 413, reason: 'REQUEST_TOO_LARGE' });
  },
);

it('passes on what a service says, whatever the code', () => {
  for (const code of [Status.UNAVAILABLE, Status.UNKNOWN, Status.INTERNAL, Status.UNIMPLEMENTED])
    expect(problem(markSent(new RpcError(code, '', 'Mine.')))).toMatchObject({ detail: 'Mine.', reason: Status[code] });
});

it('replaces what the transport says, which has addresses in it', () => {
  const error = new RpcError(Status.UNAVAILABLE, '', 'connect ECONNREFUSED 127.0.0.1:1');
  expect(JSON.stringify(problem(error))).not.toContain('127.0.0.1');
});
