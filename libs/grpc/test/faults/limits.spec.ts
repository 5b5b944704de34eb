import { Metadata, status as Status } from '@grpc/grpc-js';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { startShelf } from '../shelf-service.ts';
import { failure, startStockShelf } from './servers.ts';

describe('the limit for metadata', () => {
  const handlers = { readFile: () => ({ path: 'served' }) };
  const metadata = new Metadata();
  metadata.set('x-large', 'x'.repeat(15_000));

  it('stock Nest: does nothing', async () => {
    await using service = await startStockShelf(handlers, { grpc: { maxMetadataSize: 1000 } });
    expect(await firstValueFrom(service.client.readFile({ path: '' }, { metadata }))).toEqual({ path: 'served' });
  });

  it('libs/grpc: refuses the call with RESOURCE_EXHAUSTED', async () => {
    await using service = await startShelf(handlers, { limits: { maxMetadataBytes: 1000 } });
    expect(await failure(service.client.readFile({ path: '' }, { metadata }))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      reason: 'REQUEST_TOO_LARGE',
    });
    expect(await firstValueFrom(service.client.readFile({ path: '' }))).toEqual({ path: 'served' });
  });
});
