import { afterAll, beforeAll, expect, test } from 'vitest';
import { send } from '../rollcall.ts';
import { type Site, startSite } from './page.ts';

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site[Symbol.asyncDispose]());

test('a device that goes offline is told so, and goes on by itself', async () => {
  const page = await site.open('#/rooms/train');
  await page.getByText('Live').waitFor();
  await page.context().setOffline(true);
  await page.getByText('This device is offline.').waitFor();
  await page.getByLabel('Message to train').fill('Written in the tunnel');
  await page.keyboard.press('Enter');
  await page.getByText('Sending').waitFor();
  await page.context().setOffline(false);
  await page.getByText('This device is offline.').waitFor({ state: 'hidden' });
  await page.locator('.note:not(.draft)').getByText('Written in the tunnel').waitFor();
  expect(await page.locator('.note').count()).toBe(1);
  await page.context().close();
});

test('the directory shows that it is cut off, and what happened meanwhile once it is back', async () => {
  const page = await site.open('#/?q=meanwhile');
  await page.getByText('Live').waitFor();
  await site.rollcall.kill('gateway');
  await page.getByText('Reconnecting').waitFor();
  await site.rollcall.restart('gateway');
  await site.newUser({ name: 'Came Meanwhile' });
  await page.getByRole('row', { name: 'Came Meanwhile' }).waitFor();
  expect(await page.locator('.count').textContent()).toBe('1 user');
  await page.context().close();
});

test('a tab has one stream at a time, whichever view it shows', async () => {
  const context = (await site.open()).context();
  await context.addInitScript(() => {
    const open = new Set<EventSource>();
    Object.assign(globalThis, {
      openStreams: () => [...open].map(({ url }) => new URL(url).pathname),
      EventSource: class extends EventSource {
        constructor(url: string) {
          super(url);
          open.add(this);
        }
        override close(): void {
          open.delete(this);
          super.close();
        }
      },
    });
  });
  const page = await context.newPage();
  const streams = (): Promise<string[]> => page.evaluate('openStreams()');
  await page.goto(site.url);
  await expect.poll(streams).toEqual(['/v1/users:watch']);
  await page.getByRole('link', { name: 'Chat' }).click();
  await expect.poll(streams).toEqual(['/v1/rooms/train/notes:stream']);
  await page.goto(`${site.url}#/rooms/other`);
  await expect.poll(streams).toEqual(['/v1/rooms/other/notes:stream']);
  await page.getByRole('link', { name: 'Directory' }).click();
  await expect.poll(streams).toEqual(['/v1/users:watch']);
  await context.close();
});

test('a long list is drawn in part, and asked for in pages', async () => {
  const lines = Array.from({ length: 3000 }, (_, index) => ({
    user: { name: `Many ${String(index).padStart(4, '0')}` },
  }));
  for (let first = 0; first < lines.length; first += 1000)
    await send(site.rollcall, 'POST', '/v1/users:import', {
      users: lines.slice(first, first + 1000).map(({ user }) => user),
    }).catch(
      () => undefined, // the answer has a line for each
    );
  const page = await site.open('#/?q=many&sort=name');
  await page.getByText('3,000 users').first().waitFor();
  const grid = page.getByRole('grid', { name: 'Users' });
  const last = page.getByRole('row', { name: 'Many 2999' });
  await expect
    .poll(async () => {
      await grid.evaluate((element) => element.scrollTo(0, element.scrollHeight));
      expect(await page.locator('.row').count()).toBeLessThan(60);
      return last.count();
    })
    .toBe(1);
  expect(await last.getAttribute('aria-rowindex')).toBe('3001');
  await page.context().close();
});
