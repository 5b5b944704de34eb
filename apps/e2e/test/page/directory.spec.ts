import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, send } from '../rollcall.ts';
import { type Site, startSite } from './page.ts';

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site[Symbol.asyncDispose]());

test('in protected mode one is the administrator, and is told so', async () => {
  const page = await site.open();
  await page.getByRole('heading', { name: 'Directory' }).waitFor();
  await page.getByRole('button', { name: 'Account and settings: Local administrator' }).click();
  await page.getByText('Rollcall runs in protected mode').waitFor();
  expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
  await page.context().close();
});

test('a user is added, changed, deleted, and brought back', async () => {
  const page = await site.open();
  await page.getByRole('button', { name: 'Add a user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Ada Lovelace');
  await dialog.getByLabel('Email').fill('not an address');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await dialog.getByText('This must be a valid email address').waitFor();
  await dialog.getByLabel('Email').fill('ada@example.com');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('row', { name: 'Ada Lovelace' }).click();
  await dialog.getByLabel('Age').fill('36');
  await dialog.getByLabel('Type').selectOption('Administrator');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('row', { name: /Ada Lovelace.*Administrator.*36/ }).waitFor();
  await page.getByRole('row', { name: 'Ada Lovelace' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Ada Lovelace was deleted.').waitFor();
  await page.getByRole('row', { name: 'Ada Lovelace' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('row', { name: /Ada Lovelace.*Administrator.*36/ }).waitFor();
  const { users } = JSON.parse((await ask(site.rollcall, '/v1/users?filter=lovelace')).text) as { users: object[] };
  expect(users).toMatchObject([
    { name: 'Ada Lovelace', email: 'ada@example.com', age: 36, type: 'USER_TYPE_ADMINISTRATOR' },
  ]);
  await page.context().close();
});

test('a deleted user is found among the deleted, and brought back from there', async () => {
  const id = await site.newUser({ name: 'Gone Girl' });
  await ask(site.rollcall, `/v1/users/${id}`, { verb: 'DELETE' });
  const page = await site.open();
  await page.getByLabel('Which users').selectOption('Deleted');
  await page.getByRole('row', { name: 'Gone Girl' }).click();
  await page.getByRole('button', { name: 'Bring back' }).click();
  await page.getByRole('row', { name: 'Gone Girl' }).waitFor({ state: 'detached' });
  const { text } = await ask(site.rollcall, `/v1/users/${id}`);
  expect(JSON.parse(text)).not.toHaveProperty('deleteTime');
  await page.context().close();
});

test('what somebody else has changed meanwhile is shown, and one chooses', async () => {
  const id = await site.newUser({ name: 'Grace Hopper', email: 'grace@example.com', age: 30 });
  const page = await site.open('#/?q=hopper');
  await page.getByRole('row', { name: 'Grace Hopper' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Rear Admiral Hopper');
  await dialog.getByLabel('Age').fill('31');
  await send(site.rollcall, 'PATCH', `/v1/users/${id}`, { name: 'Amazing Grace', email: 'hopper@example.com' });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Somebody else has changed this user meanwhile.').waitFor();
  await dialog.getByText('hopper@example.com').waitFor();
  await dialog
    .getByRole('group', { name: 'Name' })
    .getByLabel(/Theirs.*Amazing Grace/)
    .check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  const { text } = await ask(site.rollcall, `/v1/users/${id}`);
  expect(JSON.parse(text)).toMatchObject({ name: 'Amazing Grace', email: 'hopper@example.com', age: 31 });
  await page.context().close();
});

test('what is changed in one window is seen in the other', async () => {
  const [mine, yours] = [await site.open('#/?q=window'), await site.open('#/?q=window')];
  await yours.getByText('Live').waitFor();
  await yours.getByText('Nobody is like that').waitFor();
  await mine.getByRole('button', { name: 'Add a user' }).click();
  await mine.getByRole('dialog').getByLabel('Name').fill('Seen Through The Window');
  await mine.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
  await yours.getByRole('row', { name: 'Seen Through The Window' }).waitFor();
  expect(await yours.getByText('1 user', { exact: true }).count()).toBeGreaterThan(0);
  await mine.getByRole('row', { name: 'Seen Through The Window' }).click();
  await mine.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await yours.getByText('Nobody is like that').waitFor();
  await mine.context().close();
  await yours.context().close();
});

test('a list is searched, filtered and sorted, and its address says how', async () => {
  for (const [name, type, age] of [
    ['Sortable Bea', 'NORMAL', 9],
    ['sortable adam', 'GUEST', 40],
    ['Sortable Cid', 'NORMAL', 33],
  ] as const)
    await site.newUser({ name, type: `USER_TYPE_${type}`, age });
  const page = await site.open();
  await page.getByLabel('Search by name, email or number').fill('sortable');
  const names = page.locator('[role=row] .name span:last-child');
  await expect.poll(() => names.allTextContents()).toEqual(['Sortable Bea', 'sortable adam', 'Sortable Cid']);
  await page.getByRole('button', { name: 'Name' }).click();
  await expect.poll(() => names.allTextContents()).toEqual(['sortable adam', 'Sortable Bea', 'Sortable Cid']);
  await page.getByRole('button', { name: 'Name' }).click();
  await expect.poll(() => names.allTextContents()).toEqual(['Sortable Cid', 'Sortable Bea', 'sortable adam']);
  await page.getByLabel('Which users').selectOption('Normal');
  await expect.poll(() => names.allTextContents()).toEqual(['Sortable Cid', 'Sortable Bea']);
  expect(new URL(page.url()).hash).toBe('#/?q=sortable&type=NORMAL&sort=-name');
  await page.reload();
  await expect.poll(() => names.allTextContents()).toEqual(['Sortable Cid', 'Sortable Bea']);
  await page.context().close();
});
