import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { send } from '../rollcall.ts';
import { type Site, startSite } from './page.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Finding {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe finds wrong with a page as it is now. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))),
  );
  const { violations }: { violations: Finding[] } = await page.evaluate(`${axe}; axe.run()`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  );
}

let site: Site;
let guarded: Site;
let administrator: Awaited<ReturnType<BrowserContext['storageState']>>;
beforeAll(async () => {
  site = await startSite();
  guarded = await startSite({ LOCAL_SIGN_IN: '1' });
  for (const type of ['NORMAL', 'ADMINISTRATOR', 'GUEST', 'DISABLED'])
    await site.newUser({ name: `Somebody ${type}`, type: `USER_TYPE_${type}`, email: `${type}@example.com`, age: 30 });
  for (const message of ['Hello', 'Look at https://example.com/ please'])
    await send(site.rollcall, 'POST', '/v1/rooms/lobby/notes', { message });
  await send(site.rollcall, 'POST', '/v1/rooms/lobby/notes', { message: 'By somebody', authorId: '1' });
  administrator = await signInFirst(guarded);
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await guarded[Symbol.asyncDispose]();
});

/** Signs in by the link that the first start prints. @returns the session, for other windows */
async function signInFirst(at: Site): Promise<typeof administrator> {
  let secret: string | undefined;
  while (secret === undefined) {
    secret = /#(rcl_[\w-]{43})/.exec(at.rollcall.output())?.[1];
    await new Promise((resolve) => setTimeout(resolve, 10)); // it comes through a pipe
  }
  const page = await at.open(`sign-in#${secret}`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Directory' }).waitFor();
  const session = await page.context().storageState();
  await page.context().close();
  return session;
}

/** Every view and dialog, and how one gets there. */
const views: Readonly<Record<string, (page: Page, size: string) => Promise<void>>> = {
  directory: async (page) => page.getByRole('row', { name: 'Somebody GUEST' }).waitFor(),
  'nobody found': async (page) => {
    await page.getByLabel('Search by name, email or number').fill('nobody is called that');
    await page.getByText('Nobody is like that').waitFor();
  },
  'account menu': async (page) => page.getByRole('button', { name: 'Account and settings' }).click(),
  'export menu': async (page) => page.getByRole('button', { name: 'Export' }).click(),
  'a user': async (page) => {
    await page.getByRole('row', { name: 'Somebody NORMAL' }).click();
    await page.getByRole('dialog').waitFor();
  },
  'a user to add, with what is wrong': async (page) => {
    await page.getByRole('button', { name: 'Add a user' }).click();
    await page.getByRole('dialog').getByLabel('Email').fill('x');
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
    await page.getByText('must be a valid email').waitFor();
  },
  conflict: async (page) => {
    const id = await site.newUser({ name: 'Contested' });
    await page.getByRole('row', { name: 'Contested' }).last().click();
    await page.getByRole('dialog').getByLabel('Name').fill('Mine');
    await send(site.rollcall, 'PATCH', `/v1/users/${id}`, { name: 'Theirs', age: 3 });
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByText('Somebody else has changed this user meanwhile.').waitFor();
  },
  import: async (page) => page.getByRole('button', { name: 'Import', exact: true }).click(),
  'import, done': async (page) => {
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    const buffer = Buffer.from('{"name":"Imported"}\n{"name":""}\nx');
    await page.getByLabel('File', { exact: true }).setInputFiles({ name: 'a.ndjson', mimeType: 'text/plain', buffer });
    await page.getByRole('dialog').getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByText('Done', { exact: true }).waitFor();
  },
  'deleted, with a message': async (page) => {
    await site.newUser({ name: 'To delete' });
    await page.getByRole('row', { name: 'To delete' }).last().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('was deleted').waitFor();
  },
  rooms: async (page) => page.getByRole('link', { name: 'Chat' }).click(),
  'a room': async (page) => {
    await page.goto(`${site.url}#/rooms/lobby`);
    await page.getByText('By somebody').waitFor();
  },
  'who is here': async (page, size) => {
    await page.goto(`${site.url}#/rooms/lobby`);
    await page.getByText('By somebody').waitFor();
    if (size === 'narrow') await page.getByRole('button', { name: /\d here/ }).click();
  },
  'a note that failed': async (page) => {
    await page.goto(`${site.url}#/rooms/lobby`);
    await page.route('**/notes', (route) => route.fulfill({ status: 403, json: { detail: 'You may not.' } }));
    await page.getByLabel('Message to lobby').fill('I will not get there');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText('Not sent.').waitFor();
  },
  'a room to open': async (page) => {
    await page.goto(`${site.url}#/rooms`);
    await page
      .getByRole('button', { name: 'Open a room' })
      .or(page.getByRole('link', { name: 'All rooms' }))
      .first()
      .waitFor();
    const back = page.getByRole('link', { name: 'All rooms' });
    if (await back.isVisible()) await back.click();
    await page.getByRole('button', { name: 'Open a room' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Open' }).click();
    await page.getByText('This is no name of a room').waitFor();
  },
  'whom to speak as': async (page) => {
    await page.goto(`${site.url}#/rooms/lobby`);
    await page.getByRole('button', { name: 'Speaking as' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Somebody NORMAL' }).waitFor();
  },
};

const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 375, height: 740 } };
const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
  (['wide', 'narrow'] as const).map((size) => ({ colorScheme, size })),
);

describe.each(looks)('$colorScheme, $size', ({ colorScheme, size }) => {
  const options = { colorScheme, viewport: sizes[size], reducedMotion: 'reduce' as const };
  test.each(Object.keys(views))('axe finds nothing wrong with: %s', async (name) => {
    const page = await site.open('', options);
    await page.getByRole('row', { name: 'Somebody GUEST' }).waitFor();
    await views[name]?.(page, size);
    expect(await findings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing juts out').toBe(
      true,
    );
    await page.context().close();
  });

  test.each(['', 'sign-in', 'sign-in#rcl_secret'])(
    'axe finds nothing wrong with signing in at /%s',
    async (address) => {
      const page = await guarded.open(address, options);
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      expect(await findings(page)).toEqual([]);
      await page.context().close();
    },
  );

  test('axe finds nothing wrong with a link for somebody, which has the focus', async () => {
    const page = await guarded.open('', { ...options, storageState: administrator });
    await page.getByRole('row', { name: 'Administrator' }).click();
    await page.getByRole('button', { name: 'Make a sign-in link' }).click();
    await page.getByLabel('Link for Administrator').waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.closest('.link') !== null)).toBe(true);
    expect(await findings(page)).toEqual([]);
    await page.context().close();
  });
});
