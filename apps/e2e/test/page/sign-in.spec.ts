import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Site, startSite } from './page.ts';

let site: Site;
beforeAll(async () => {
  site = await startSite({ LOCAL_SIGN_IN: '1' });
});
afterAll(() => site[Symbol.asyncDispose]());

/** The first link makes an administrator; further ones are made by the page. */
test('links sign in, one after the other; what one may not do is not offered; and one signs out', async () => {
  const printed = (): string | undefined => /#(rcl_[\w-]{43})/.exec(site.rollcall.output())?.[1];
  await expect.poll(printed).toBeDefined();
  const page = await site.open();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.getByRole('link', { name: 'Directory' }).count()).toBe(0);
  await page.getByLabel('Your link').fill('https://rollcall.example.com/');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('This is no link to sign in by').waitFor();
  await page.getByLabel('Your link').fill(`https://rollcall.example.com/sign-in#rcl_${'A'.repeat(43)}`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText(/link/).waitFor();
  await page.getByLabel('Your link').fill(`https://rollcall.example.com/sign-in#${printed()}`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Directory' }).waitFor();

  for (const [name, type] of [
    ['Norma', 'Normal'],
    ['Gus', 'Guest'],
  ] as const) {
    await page.getByRole('button', { name: 'Add a user' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill(name);
    await page.getByRole('dialog').getByLabel('Type').selectOption(type);
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
    await page.getByRole('row', { name }).click();
    await page.getByRole('button', { name: 'Make a sign-in link' }).click();
    const link = await page.getByLabel(`Link for ${name}`).inputValue();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();

    // The link leads to a page of its own, which needs nothing of this one.
    const theirs = await site.open(`sign-in${new URL(link).hash}`);
    await theirs.getByRole('button', { name: 'Sign in' }).click();
    await theirs.getByRole('button', { name: `Account and settings: ${name}` }).waitFor();
    await theirs.getByRole('row', { name: 'Norma' }).waitFor();
    for (const button of ['Add a user', 'Import'])
      expect(await theirs.getByRole('button', { name: button }).count(), button).toBe(0);
    await theirs.getByRole('row', { name: 'Norma' }).click();
    await theirs.getByRole('dialog', { name: 'Norma' }).waitFor();
    expect(await theirs.getByRole('dialog').getByRole('button', { name: 'Save' }).count()).toBe(
      name === 'Norma' ? 1 : 0,
    );
    for (const button of ['Delete', 'Make a sign-in link'])
      expect(await theirs.getByRole('dialog').getByRole('button', { name: button }).count(), button).toBe(0);
    expect(await theirs.getByRole('dialog').getByLabel('Type').count()).toBe(0);
    await theirs.keyboard.press('Escape');
    await theirs.getByRole('link', { name: 'Chat' }).click();
    await theirs.getByRole('heading', { name: 'lobby' }).waitFor();
    const message = theirs.getByLabel('Message to lobby');
    const reads = theirs.getByText('You read along here.');
    await message.or(reads).waitFor();
    expect([await message.count(), await reads.count()]).toEqual(name === 'Norma' ? [1, 0] : [0, 1]);
    await theirs.getByRole('button', { name: `Account and settings: ${name}` }).click();
    await theirs.getByRole('button', { name: 'Sign out' }).click();
    await theirs.getByRole('heading', { name: 'Sign in' }).waitFor();
    await theirs.context().close();
  }

  // Whoever is signed out elsewhere is signed out here, without doing anything.
  const caller = JSON.parse(await page.evaluate(async () => (await fetch('v1/caller')).text())) as {
    user: { id: string };
  };
  await page.evaluate(
    async (id) =>
      void (await fetch(`v1/users/${id}:revokeCredentials`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      })),
    caller.user.id,
  );
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.context().close();
});
