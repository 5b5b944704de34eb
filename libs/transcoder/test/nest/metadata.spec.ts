import { Metadata, type ServerUnaryCall, Server, ServerCredentials, type sendUnaryData, status } from '@grpc/grpc-js';
import { codecsOf } from '@rollcall/contract';
import { testingContract } from '@rollcall/contract/testing';
import { GrpcChannel } from '@rollcall/grpc';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TranscoderOptions } from '../../src/options.ts';
import { ask, seen } from '../shelf.ts';
import { startApp } from './start-app.ts';

const book = '/v1/shelves/1/books/2';

async function metadataWith(options: Partial<TranscoderOptions>, headers: Record<string, string> = {}) {
  await using rest = await startApp({ options });
  seen.contexts = [];
  const { status: code } = await ask(rest, book, { headers });
  expect(code).toBe(200);
  const { metadata } = seen.contexts[0] ?? {};
  return (name: string) => metadata?.get(name);
}

describe('metadata of a call', () => {
  it('has the headers of the request that are named', async () => {
    const headers = { 'x-tenant': 'acme', 'x-mark-bin': 'AQID', 'x-other': 'no', authorization: 'Bearer b' };
    const get = await metadataWith({ requestHeaders: ['X-Tenant', 'x-mark-bin'] }, headers);
    expect(get('x-tenant')).toEqual(['acme']);
    expect(get('x-mark-bin')).toEqual([Buffer.from([1, 2, 3])]);
    expect(get('x-other')).toEqual([]);
    expect(get('authorization')).toEqual(['Bearer b']);
  });

  it('may be found out asynchronously, and hold bytes', async () => {
    const requestMetadata = () => Promise.resolve({ 'x-user': '7', 'x-token-bin': Buffer.from('ü') });
    const get = await metadataWith({ requestMetadata, requestHeaders: ['x-user'] }, { 'x-user': '8' });
    expect(get('x-user')).toEqual(['7']);
    expect(get('x-token-bin')).toEqual([Buffer.from('ü')]);
  });

  it('that is refused is answered so', async () => {
    const requestMetadata = () => Promise.reject(new Error('no such user'));
    await using rest = await startApp({ options: { requestMetadata } });
    expect((await ask(rest, book)).status).toBe(500);
  });

  it.each([
    [{ requestHeaders: ['content-length'] }, 'requestHeaders: "content-length" is for HTTP itself to set'],
    [{ responseHeaders: ['no name'] }, 'responseHeaders: "no name" is no name of metadata'],
  ])('is refused at start by names that cannot be passed on: %j', async (options, sentence) => {
    await expect(startApp({ options })).rejects.toThrow(sentence);
  });
});

/** A server that says something beside its answers, as one of another runtime does. */
async function talkativeServer() {
  const directory = mkdtempSync(join(tmpdir(), 'talk-'));
  const target = `unix://${directory}/grpc.sock`;
  const server = new Server();
  const said = (...pairs: (readonly [string, string | Buffer])[]): Metadata => {
    const metadata = new Metadata();
    for (const [name, value] of pairs) metadata.add(name, value);
    return metadata;
  };
  for (const { path, name } of testingContract.methods.values()) {
    const codec = codecsOf(testingContract).get(path);
    if (codec === undefined || (name !== 'GetBook' && name !== 'StreamBooks')) continue;
    const bytes = (value: Buffer): Buffer => value;
    const first = said(['x-served-by', 'one'], ['x-mark-bin', Buffer.from([1])], ['x-secret', 'no']);
    const last = said(['x-cost', '3'], ['x-cost', '4']);
    if (name === 'GetBook') {
      const handler = (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void => {
        const { name: which } = codec.decodeRequest(call.request) as { name: string };
        call.sendMetadata(first);
        if (which.endsWith('full')) answer({ code: status.RESOURCE_EXHAUSTED, details: 'Quota used up.' });
        else answer(null, codec.encodeResponse({ name: which }), last);
      };
      server.register(path, handler, bytes, bytes, 'unary');
    } else {
      const handler = (call: { sendMetadata(m: Metadata): void; write(b: unknown): void; end(): void }): void => {
        call.sendMetadata(first);
        call.write(codec.encodeResponse({ books: [{ number: '1' }] }));
        call.end();
      };
      server.register(path, handler, bytes, bytes, 'serverStream');
    }
  }
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(target, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  );
  const channel = new GrpcChannel(target);
  return {
    channel,
    [Symbol.dispose]() {
      channel.close();
      server.forceShutdown();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

describe('metadata of an answer', () => {
  const responseHeaders = ['x-served-by', 'x-cost', 'X-Mark-Bin'];

  it('becomes headers by the names that are passed on', async () => {
    using server = await talkativeServer();
    await using rest = await startApp({ options: { responseHeaders, channelFor: () => server.channel } });
    const { headers } = await ask(rest, book);
    expect(headers).toMatchObject({ 'x-served-by': 'one', 'x-cost': '3, 4', 'x-mark-bin': 'AQ==' });
    expect(headers).not.toHaveProperty('x-secret');
    const stream = await ask(rest, '/v1/books:stream?count=1');
    expect([stream.headers['x-served-by'], stream.text.trim()]).toEqual(['one', expect.stringContaining('"1"')]);
  });

  it('goes with an error too, which keeps its status and its sentence', async () => {
    using server = await talkativeServer();
    await using rest = await startApp({ options: { responseHeaders, channelFor: () => server.channel } });
    const full = await ask(rest, '/v1/shelves/1/books/full');
    expect(full.headers['x-served-by']).toBe('one');
    expect(full.json).toMatchObject({ status: 429, code: 'RESOURCE_EXHAUSTED', detail: 'Quota used up.' });
  });

  it('stays with the transcoder when no name is passed on', async () => {
    using server = await talkativeServer();
    await using rest = await startApp({ options: { channelFor: () => server.channel } });
    expect((await ask(rest, book)).headers).not.toHaveProperty('x-served-by');
  });
});
