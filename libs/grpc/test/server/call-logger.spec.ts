import { type shelf } from '@rollcall/contract/testing';
import { Metadata } from '@grpc/grpc-js';
import { firstValueFrom } from 'rxjs';
import { afterEach, expect, it, vi } from 'vitest';
import { CallLogger } from '../../src/server/call-logger.ts';
import { startShelf } from '../shelf-service.ts';

afterEach(() => vi.restoreAllMocks());

it.each([true, false])('every line that is logged during a call has its request id (as JSON: %s)', async (json) => {
  const lines: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((line) => (lines.push(String(line)), true));
  const logger = new CallLogger({ json, colors: false });
  await using service = await startShelf({
    readFile: async ({ path }: shelf.ReadFileRequest) => {
      await Promise.resolve();
      logger.log('reading', 'shelf');
      return { path };
    },
  });
  const metadata = new Metadata();
  metadata.set('x-request-id', 'r-42');
  await firstValueFrom(service.client.readFile({ path: 'a' }, { metadata }));
  logger.log('idle', 'shelf');
  const [during, outside] = lines.filter((line) => /reading|idle/.test(line));
  expect(during).toContain('r-42');
  expect(outside).not.toContain('r-42');
});

it("keeps Nest's own lines about modules and routes for those who debug", () => {
  const written: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const logger = new CallLogger({ json: true, colors: false, logLevels: ['log', 'error'] });
  logger.log('Mapped {/healthz, GET} route', 'RouterExplorer');
  logger.log('listening', 'gateway');
  write.mockRestore();
  expect(written.join('')).toMatch(/^[^\n]*listening[^\n]*\n$/);
});
