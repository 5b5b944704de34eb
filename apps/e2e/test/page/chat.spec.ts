import type { Page } from 'playwright-core';
import { firstValueFrom, take, toArray } from 'rxjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { send } from '../rollcall.ts';
import { type Site, startSite } from './page.ts';

let site: Site;
let ada: string;
let grace: string;
beforeAll(async () => {
  site = await startSite();
  ada = await site.newUser({ name: 'Ada Lovelace' });
  grace = await site.newUser({ name: 'Grace Hopper' });
});
afterAll(() => site[Symbol.asyncDispose]());

const notes = (page: Page) => page.locator('.note:not(.draft) .message-text');

async function say(page: Page, room: string, text: string): Promise<void> {
  await page.getByLabel(`Message to ${room}`).fill(text);
  await page.keyboard.press('Enter');
}

/** Opens a room in a window of somebody's own, who speaks as a user. */
async function enter(room: string, name: string): Promise<Page> {
  const page = await site.open(`#/rooms/${room}`);
  await page.getByRole('button', { name: 'Speaking as' }).click();
  await page.getByRole('dialog').getByLabel('Search').fill(name);
  await page.getByRole('dialog').getByRole('button', { name }).click();
  await page.getByRole('button', { name: `Speaking as ${name}` }).waitFor();
  await page.getByText('Live').waitFor();
  return page;
}

/** Fills a room. */
async function fill(room: string, count: number, text = 'Note'): Promise<void> {
  for (let number = 1; number <= count; number += 1)
    await send(site.rollcall, 'POST', `/v1/rooms/${room}/notes`, {
      message: `${text} ${number}`,
      authorId: number % 2 ? ada : grace,
    });
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `Note ${from + index}`);

test('two windows talk, and see who is here and who was', async () => {
  const [hers, his] = [await enter('two', 'Ada Lovelace'), await enter('two', 'Grace Hopper')];
  await say(hers, 'two', 'Good morning');
  await his.getByText('Good morning').waitFor();
  await say(his, 'two', 'Hello Ada,\nsee https://example.com/a.');
  for (const page of [hers, his]) {
    await expect
      .poll(() => notes(page).allTextContents())
      .toEqual(['Good morning', 'Hello Ada,\nsee https://example.com/a.']);
    expect(await page.locator('.note .by strong').allTextContents()).toEqual(['Ada Lovelace', 'Grace Hopper']);
    await page.getByRole('heading', { name: 'Today' }).or(page.locator('.day')).first().waitFor();
    expect(await page.getByRole('link', { name: 'https://example.com/a', exact: true }).count()).toBe(1);
    await expect
      .poll(() => page.locator('.members-pane ul:not(.gone) .member-name').allTextContents())
      .toEqual(['Ada Lovelace', 'Grace Hopper']);
  }
  await his.context().close();
  await expect.poll(() => hers.locator('.members-pane .gone .member-name').allTextContents()).toHaveLength(1);
  expect(await hers.locator('.members-pane .gone time').count()).toBe(1);
  await hers.context().close();
});

test('two of the tutorial’s clients and a window are in one conversation', async () => {
  const { tutorialChat } = site.rollcall;
  const page = await enter('lobby', 'Ada Lovelace');
  const [one, two] = [0, 1].map(() => firstValueFrom(tutorialChat.chatStream({}).pipe(take(3), toArray())));
  await firstValueFrom(tutorialChat.sendNote({ name: 'foo', message: 'Hello from foo' }));
  await page.getByText('Hello from foo').waitFor();
  await say(page, 'lobby', 'Hello foo and bar');
  await expect.poll(() => page.locator('.note.draft').count()).toBe(0);
  await firstValueFrom(tutorialChat.sendNote({ name: 'bar', message: 'Hello from bar' }));
  const heard = [
    { name: 'foo', message: 'Hello from foo' },
    { name: 'Ada Lovelace', message: 'Hello foo and bar' },
    { name: 'bar', message: 'Hello from bar' },
  ];
  expect([await one, await two]).toEqual([heard, heard]);
  await expect.poll(() => notes(page).allTextContents()).toEqual(heard.map(({ message }) => message));
  await page.context().close();
});

test('history comes as one scrolls up to it, and what is being read stays where it is', async () => {
  await fill('history', 180);
  const page = await site.open('#/rooms/history');
  await page.getByText('Note 180', { exact: true }).waitFor();
  expect(await notes(page).count()).toBe(50);
  const view = page.getByRole('region', { name: 'Notes in history' });
  for (let count = 0; (await notes(page).count()) < 180 && count < 20; count += 1) {
    const before = await notes(page).count();
    const first = await notes(page).first().textContent();
    await view.evaluate((element) => element.scrollTo(0, 1));
    await expect.poll(() => notes(page).count()).toBeGreaterThan(before);
    // The note that was at the top is still in sight.
    const place = await page.getByText(first ?? '', { exact: true }).evaluate((element) => {
      const list = element.closest('.notes');
      return element.getBoundingClientRect().top - (list?.getBoundingClientRect().top ?? 0);
    });
    expect(Math.abs(place)).toBeLessThan(150);
  }
  expect(await notes(page).allTextContents()).toEqual(numbers(1, 180));
  await page.getByText('This is where history begins').waitFor();
  await page.getByRole('button', { name: 'To the latest' }).click();
  await expect
    .poll(() => view.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight))
    .toBeLessThan(60);
  await page.context().close();
});

test('who reads above is not pulled down, and is told what came', async () => {
  await fill('above', 60);
  const page = await site.open('#/rooms/above');
  await page.getByText('Note 60', { exact: true }).waitFor();
  const view = page.getByRole('region', { name: 'Notes in above' });
  await view.hover();
  await page.mouse.wheel(0, -900);
  await page.getByRole('button', { name: 'To the latest' }).waitFor();
  const top = await view.evaluate((element) => element.scrollTop);
  await send(site.rollcall, 'POST', '/v1/rooms/above/notes', { message: 'Down here' });
  await page.getByRole('button', { name: '1 new' }).click();
  await page.getByText('Down here', { exact: true }).waitFor();
  expect(await view.evaluate((element) => element.scrollTop)).toBeGreaterThan(top);
  await page.context().close();
});

test('what was not read is marked at the rooms, at the top and in the room, in this window and the next', async () => {
  await fill('read', 3);
  await fill('unread', 2);
  const page = await site.open('#/rooms/read');
  await page.getByText('Note 3', { exact: true }).waitFor();
  const room = page.getByRole('navigation', { name: 'Rooms' }).getByRole('link', { name: /^unread/ });
  await room.waitFor();
  expect(await page.locator('.has-unread').count(), 'at the first visit').toBe(0);
  await fill('unread', 3, 'Later');
  await room.getByText('3 unread').waitFor();
  await page.getByRole('link', { name: /Chat.*1/ }).waitFor();
  await room.click();
  await page.locator('.new-mark + .note').getByText('Later 1').waitFor();
  await expect.poll(() => page.locator('.has-unread').count()).toBe(0);
  await say(page, 'unread', 'My own');
  await page.locator('.note:not(.draft)').getByText('My own').waitFor();
  await page.getByRole('navigation', { name: 'Rooms' }).getByRole('link', { name: /^read/ }).click();
  await page.getByText('Note 3', { exact: true }).waitFor();
  expect(await page.locator('.new-mark').count()).toBe(0);
  const next = await site.openBeside(page, '#/rooms/read');
  await next.getByText('Note 3', { exact: true }).waitFor();
  await next
    .getByRole('navigation', { name: 'Rooms' })
    .getByRole('link', { name: /^unread/ })
    .waitFor();
  expect(await next.locator('.has-unread').count()).toBe(0);
  await page.context().close();
});

test('the gateway is killed and restarted under both windows, and nothing is lost, doubled or out of order', async () => {
  const [hers, his] = [await enter('killed', 'Ada Lovelace'), await enter('killed', 'Grace Hopper')];
  let count = 0;
  for (let round = 0; round < 4; round += 1) {
    for (const page of [hers, his]) await say(page, 'killed', `Note ${(count += 1)}`);
    await site.rollcall.kill('gateway');
    for (const page of [hers, his]) {
      await say(page, 'killed', `Note ${(count += 1)}`);
      await say(page, 'killed', `Note ${(count += 1)}`);
      await page.getByText('Reconnecting').waitFor();
    }
    await site.rollcall.restart('gateway');
    for (const page of [hers, his]) await expect.poll(() => notes(page).count(), { timeout: 30_000 }).toBe(count);
  }
  const said = await Promise.all([hers, his].map((page) => notes(page).allTextContents()));
  expect(said[0]).toEqual(said[1]);
  expect([...(said[0] ?? [])].toSorted()).toEqual(numbers(1, count).toSorted());
  // Each has the order in which each wrote.
  for (const name of ['Ada Lovelace', 'Grace Hopper']) {
    const own = await hers.evaluate((author) => {
      let by = '';
      return [...document.querySelectorAll('.note')].flatMap((note) => {
        by = note.querySelector('.by strong')?.textContent ?? by;
        return by === author ? [Number(/\d+/.exec(note.querySelector('.message-text')?.textContent ?? '')?.[0])] : [];
      });
    }, name);
    expect(own).toEqual(own.toSorted((a, b) => a - b));
    expect(own).toHaveLength(count / 2);
  }
  await hers.context().close();
  await his.context().close();
});

test('a note that was written while the gateway was away is sent after the page was loaded anew', async () => {
  const page = await enter('reload', 'Ada Lovelace');
  await site.rollcall.kill('gateway');
  await say(page, 'reload', 'I survive');
  await page.getByText('Sending').waitFor();
  await site.rollcall.restart('gateway');
  await page.reload();
  await expect.poll(() => notes(page).allTextContents()).toEqual(['I survive']);
  await page.context().close();
});

test('a note that is refused says why, is sent again on demand, and can be discarded', async () => {
  const troll = await site.newUser({ name: 'Sleepy Troll' });
  const page = await enter('refused', 'Sleepy Troll');
  await send(site.rollcall, 'PATCH', `/v1/users/${troll}`, { type: 'USER_TYPE_DISABLED' });
  await expect
    .poll(
      async () =>
        (await send(site.rollcall, 'POST', '/v1/rooms/other/notes', { message: 'x', authorId: troll })).status,
    )
    .toBe(403);
  await say(page, 'refused', 'Let me in');
  await page.getByText('Not sent.').waitFor();
  await send(site.rollcall, 'PATCH', `/v1/users/${troll}`, { type: 'USER_TYPE_NORMAL' });
  await expect
    .poll(
      async () =>
        (await send(site.rollcall, 'POST', '/v1/rooms/other/notes', { message: 'x', authorId: troll })).status,
    )
    .toBe(200);
  await page.getByRole('button', { name: 'Send again' }).click();
  await expect.poll(() => notes(page).allTextContents()).toEqual(['Let me in']);
  await page.route('**/notes', (route) => route.fulfill({ status: 403, json: { detail: 'You may not.' } }));
  await say(page, 'refused', 'Never mind');
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('Never mind').waitFor({ state: 'detached' });
  await page.context().close();
});

test('a room is opened by its name, and is there for all once something was said', async () => {
  const [mine, yours] = [await site.open('#/rooms'), await site.open('#/rooms/lobby')];
  await mine.getByRole('button', { name: 'Open a room' }).click();
  await mine.getByRole('dialog').getByLabel('Name').fill('-');
  await mine.keyboard.press('Enter');
  await mine.getByText('This is no name of a room').waitFor();
  await mine.getByRole('dialog').getByLabel('Name').fill('Brand New');
  await mine.keyboard.press('Enter');
  await mine.getByRole('heading', { name: 'brand-new' }).waitFor();
  await say(mine, 'brand-new', 'First!');
  await yours.getByRole('link', { name: /brand-new/ }).click();
  await expect.poll(() => notes(yours).allTextContents()).toEqual(['First!']);
  await mine.context().close();
  await yours.context().close();
});
