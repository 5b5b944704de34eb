import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Site, startSite } from './page.ts';

let site: Site;
beforeAll(async () => {
  site = await startSite();
  for (let count = 0; count < 60; count += 1) await site.newUser({ name: `User ${String(count).padStart(2, '0')}` });
});
afterAll(() => site[Symbol.asyncDispose]());

/** The accessible name and role of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    const labels =
      element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement
        ? [...(element.labels ?? [])].map((label) => label.textContent)
        : [];
    return (element?.getAttribute('aria-label') ?? labels[0] ?? element?.textContent ?? '').trim();
  });
}

/** Presses Tab until something has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let count = 0; count < 30; count += 1) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === name) return;
  }
  throw new Error(`Tab does not lead to "${name}"`);
}

test('by the keyboard alone one finds, adds, opens, deletes and brings back a user', async () => {
  const page = await site.open();
  await page.getByText('60 users').first().waitFor();
  await page.keyboard.press('Tab');
  expect(await focused(page)).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true);
  await tabTo(page, 'Add a user');
  await page.keyboard.press('Enter');
  await expect.poll(() => focused(page)).toBe('Name');
  await page.keyboard.type('Zoe Keys');
  await page.keyboard.press('Enter');
  await page.getByText('Zoe Keys was added.').waitFor();
  await expect.poll(() => focused(page)).toBe('Add a user');
  await tabTo(page, 'Search by name, email or number');
  await page.keyboard.type('zoe');
  await page.getByText('1 user', { exact: true }).first().waitFor();
  await tabTo(page, 'Users');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Zoe Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(() => focused(page)).toBe('Users');
  await page.keyboard.press('Delete');
  await page.getByText('Zoe Keys was deleted.').waitFor();
  await tabTo(page, 'Undo');
  await page.keyboard.press('Enter');
  await page.getByRole('row', { name: 'Zoe Keys' }).waitFor();
  await page.context().close();
});

test('the arrow keys walk through all rows, drawn or not, and say where one is', async () => {
  const page = await site.open('#/?q=user');
  await page.getByText('60 users').first().waitFor();
  const grid = page.getByRole('grid', { name: 'Users' });
  await grid.focus();
  const current = async (): Promise<string | undefined> => {
    const id = await grid.getAttribute('aria-activedescendant');
    return id === null ? undefined : ((await page.locator(`#${id} .name span:last-child`).textContent()) ?? undefined);
  };
  expect(await current()).toBe('User 00');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect.poll(current).toBe('User 02');
  await page.keyboard.press('End');
  await expect.poll(current).toBe('User 59');
  await page.keyboard.press('PageUp');
  await page.keyboard.press('Home');
  await expect.poll(current).toBe('User 00');
  expect(await grid.getAttribute('aria-rowcount')).toBe('61');
  await page.context().close();
});

test('a dialog keeps the focus, and gives it back', async () => {
  const page = await site.open();
  const opener = page.getByRole('button', { name: 'Import', exact: true });
  await opener.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Import users' }).waitFor();
  for (let count = 0; count < 12; count += 1) {
    await page.keyboard.press('Tab');
    // Between the last and the first, the browser has its own controls.
    expect(
      await page.evaluate(
        () =>
          ['DIALOG', 'BODY'].includes(document.activeElement?.tagName ?? '') ||
          document.activeElement?.closest('dialog') !== null,
      ),
    ).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect.poll(() => focused(page)).toBe('Import');
  await page.context().close();
});

test('by the keyboard alone one opens a room, says something, and walks back to the directory', async () => {
  const page = await site.open();
  await page.getByText('Live').waitFor();
  await tabTo(page, 'Chat');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Rooms' }).waitFor();
  await tabTo(page, 'Open a room');
  await page.keyboard.press('Enter');
  await expect.poll(() => focused(page)).toBe('Name');
  await page.keyboard.type('keys');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'keys' }).waitFor();
  await tabTo(page, 'Message to keys');
  await page.keyboard.type('One line');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('and another');
  await page.keyboard.press('Enter');
  await expect
    .poll(() => page.locator('.note:not(.draft) .message-text').allTextContents())
    .toEqual(['One line\nand another']);
  expect(await focused(page)).toBe('Message to keys');
  await page.keyboard.press('Control+Home');
  for (let count = 0; (await focused(page)) !== 'Directory'; count += 1) {
    expect(count).toBeLessThan(30);
    await page.keyboard.press('Shift+Tab');
  }
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Directory' }).waitFor();
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
  await page.context().close();
});
