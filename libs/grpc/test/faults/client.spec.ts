import { Metadata } from '@grpc/grpc-js';
import type { shelf } from '@rollcall/contract/testing';
import { firstValueFrom, NEVER, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/context/call-context.ts';
import { startShelf } from '../shelf-service.ts';
import { runClient } from './processes/processes.ts';
import { connect, named } from './servers.ts';
import { connectStock } from './processes/stock.ts';

describe('the options of a call', () => {
  const describeCall = ({ deadline, metadata }: CallContext): string =>
    `${deadline === Infinity ? 'no deadline' : 'deadline'}, ${String(metadata.get('x-key')[0])}`;
  const start = () =>
    startShelf({
      readFile: (_: never, context: CallContext) => ({ path: describeCall(context) }),
      countBooks: (_: never, context: CallContext) => ({ count: '0', shelves: [describeCall(context)] }),
      talkBooks: (_: never, context: CallContext) => of({ name: describeCall(context) }),
      streamBooks: (_: never, context: CallContext) => of({ books: [{ number: describeCall(context) }] }),
    });
  const metadata = new Metadata();
  metadata.set('x-key', 'metadata');
  const options = { deadline: Date.now() + 60_000 };
  const requests = of(named('a'));

  it('ClientGrpc: loses the deadline of a call with a request stream, and keeps the metadata', async () => {
    await using service = await start();
    using connection = connectStock(service.target);
    const { client } = connection;
    expect(
      await Promise.all([
        firstValueFrom(client.countBooks(requests, metadata, options)).then(({ shelves }) => shelves[0]),
        firstValueFrom(client.talkBooks(requests, metadata, options)).then(({ name }) => name),
        firstValueFrom(client.streamBooks({} as shelf.StreamBooksRequest, metadata, options)).then(
          ({ books }) => books[0]?.number,
        ),
      ]),
    ).toEqual(['no deadline, metadata', 'no deadline, metadata', 'deadline, metadata']);
  });

  it('GrpcChannel: keeps both in every kind of call', async () => {
    await using service = await start();
    using connection = connect(service.target);
    const { client } = connection;
    const both = { metadata, ...options };
    expect(
      await Promise.all([
        firstValueFrom(client.readFile({ path: '' }, both)).then(({ path }) => path),
        firstValueFrom(client.countBooks(requests, both)).then(({ shelves }) => shelves[0]),
        firstValueFrom(client.talkBooks(requests, both)).then(({ name }) => name),
        firstValueFrom(client.streamBooks({} as shelf.StreamBooksRequest, both)).then(({ books }) => books[0]?.number),
      ]),
    ).toEqual(Array(4).fill('deadline, metadata'));
  });
});

describe('requests that break off with an error', () => {
  it('ClientGrpc: end the process in a call whose response is one message', async () => {
    await using service = await startShelf({ countBooks: () => NEVER });
    const { code, stderr, output } = await runClient('stock', service.target);
    expect(code).toBe(1);
    expect(output).toBe('');
    expect(stderr).toContain('Error: the source broke');
  });

  it('GrpcChannel: are an error of the call', async () => {
    await using service = await startShelf({ countBooks: () => NEVER });
    const { code, stderr, output } = await runClient('ours', service.target);
    expect({ code, stderr, output }).toEqual({
      code: 0,
      stderr: '',
      output: 'the call failed: The requests broke off.\n',
    });
  });
});
