import { Metadata } from '@grpc/grpc-js';
import { connect } from 'node:http2';
import { connect as connectTo } from 'node:net';
import type { shelf } from '@rollcall/contract/testing';
import { expect, it } from 'vitest';
import { unchanged } from '../../src/internals/wire-form.ts';
import { shelfServiceName, startShelf } from '../shelf-service.ts';

const metadata = new Metadata();
metadata.add('one-bin', Buffer.of(1));
metadata.add('two-bin', Buffer.of(1));
metadata.add('two-bin', Buffer.of(2, 3));
metadata.add('text', 'a==');

it('writes binary values without padding, as gRPC asks for', () => {
  const below = metadata as unknown as { toHttp2Headers(): object };
  expect(below.toHttp2Headers()).toMatchObject({ 'one-bin': 'AQ', 'two-bin': ['AQ', 'AgM'], text: 'a==' });
});

it('is needed as long as grpc-js pads them', () => {
  expect(unchanged.toHttp2Headers.call(metadata)).toMatchObject({ 'one-bin': 'AQ==' });
});

it('sends no message beside the status of a call that went well', async () => {
  await using service = await startShelf({ readFile: ({ path }: shelf.ReadFileRequest) => ({ path }) });
  const session = connect('http://localhost', {
    createConnection: () => connectTo(service.target.replace(/^unix:(\/\/)?/, '')),
  });
  const stream = session.request({
    ':method': 'POST',
    ':path': `/${shelfServiceName}/ReadFile`,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const trailers = new Promise((resolve) => stream.once('trailers', resolve));
  stream.end(Buffer.alloc(5));
  stream.resume();
  expect(await trailers).toMatchObject({ 'grpc-status': '0', 'grpc-message': '' });
  session.close();
});
