import { readFile } from 'node:fs/promises';
import type { Download, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../rollcall.ts';
import { type Site, startSite } from './page.ts';

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site[Symbol.asyncDispose]());

async function importFile(page: Page, name: string, content: string): Promise<void> {
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog
    .getByLabel('File', { exact: true })
    .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await dialog.getByText('Done', { exact: true }).waitFor();
}

/** The sums of an import, by their names. */
async function sumsIn(page: Page): Promise<Record<string, string>> {
  const [names, counts] = [page.locator('.sums dt'), page.locator('.sums dd')];
  const values = await counts.allTextContents();
  return Object.fromEntries((await names.allTextContents()).map((name, index) => [name, values[index] ?? '']));
}

const refusedIn = (page: Page): Promise<string[][]> =>
  page
    .locator('.refused tbody tr')
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent ?? '')));

test('a file of lines is imported, and each row that is refused is named', async () => {
  const page = await site.open();
  const lines = [
    '{"id":"11","name":"Ada","email":"ada@example.com"}',
    '{"user":{"name":"Grace","type":"USER_TYPE_ADMINISTRATOR"}}',
    'not json',
    '{"name":7}',
    '{"name":"Eve","age":151}',
    '{"name":"Other Ada","email":"ADA@example.com"}',
    '{"name":"Mallory","type":"USER_TYPE_UNHEARD_OF"}',
    '{"name":"Bob"}',
  ];
  await importFile(page, 'users.ndjson', lines.join('\n'));
  expect(await sumsIn(page)).toEqual({ Added: '3', Changed: '0', 'As they were': '0', Refused: '5' });
  const refused = await refusedIn(page);
  expect(refused.map(([line, field]) => [line, field])).toEqual([
    ['3', ''],
    ['4', 'name'],
    ['5', 'age'],
    ['6', 'email'],
    ['7', 'type'],
  ]);
  expect(refused.every(([, , why]) => why !== '')).toBe(true);
  expect(await page.getByRole('progressbar').getAttribute('value')).toBe('1');
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('row', { name: 'Grace' }).waitFor();
  await page.context().close();
});

test('a table is imported by the names of its columns, and a check changes nothing', async () => {
  const page = await site.open();
  const table = '\uFEFFName;E-Mail;Age;Type\r\n"Knuth, ""Don""";don@example.com;88;normal\r\nWirth;;young;Guest\r\n';
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  const dialog = page.getByRole('dialog');
  const file = { name: 'users.csv', mimeType: 'text/csv', buffer: Buffer.from(table) };
  await dialog.getByLabel('File', { exact: true }).setInputFiles(file);
  await dialog.getByLabel('Only check the file').check();
  await dialog.getByRole('button', { name: 'Check' }).click();
  await dialog.getByText('Done', { exact: true }).waitFor();
  expect(await refusedIn(page)).toEqual([['3', 'age', 'must be a whole number, not "young"']]);
  expect((await ask(site.rollcall, '/v1/users?filter=Knuth')).text).toContain('"users":[]');
  await dialog.getByRole('button', { name: 'Another file' }).click();
  await dialog.getByLabel('File', { exact: true }).setInputFiles(file);
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await dialog.getByText('Done', { exact: true }).waitFor();
  expect(await sumsIn(page)).toMatchObject({ Added: '1', Refused: '1' });
  const { users } = JSON.parse((await ask(site.rollcall, '/v1/users?filter=Knuth')).text) as { users: object[] };
  expect(users).toMatchObject([{ name: 'Knuth, "Don"', email: 'don@example.com', age: 88, type: 'USER_TYPE_NORMAL' }]);
  await page.context().close();
});

test('a long file goes on behind its last answered row when the gateway was killed meanwhile', async () => {
  const page = await site.open();
  const lines = Array.from(
    { length: 6000 },
    (_, index) => `{"name":"Long ${index}","email":"long${index}@example.com"}`,
  );
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  const dialog = page.getByRole('dialog');
  const file = { name: 'long.ndjson', mimeType: 'text/plain', buffer: Buffer.from(lines.join('\n')) };
  await dialog.getByLabel('File', { exact: true }).setInputFiles(file);
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await expect.poll(async () => (await sumsIn(page))['Added'], { interval: 5 }).not.toBe('0');
  await site.rollcall.kill('gateway');
  await dialog.getByText('It was interrupted').waitFor();
  await site.rollcall.restart('gateway');
  await dialog.getByRole('button', { name: 'Go on' }).click();
  await dialog.getByText('Done', { exact: true }).waitFor();
  const { totalSize } = JSON.parse(
    (await ask(site.rollcall, '/v1/users?filter=name%20%3D%20%22Long*%22&showTotal=true&pageSize=1')).text,
  ) as { totalSize: string };
  expect([totalSize, (await sumsIn(page))['Refused']]).toEqual(['6000', '0']);
  await page.context().close();
});

test('a file in another encoding is refused with a sentence, and nothing of it is stored', async () => {
  const page = await site.open();
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  const dialog = page.getByRole('dialog');
  const buffer = Buffer.from('name;email\nJosé;jose@example.com\n', 'latin1');
  await dialog.getByLabel('File', { exact: true }).setInputFiles({ name: 'latin.csv', mimeType: 'text/csv', buffer });
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await dialog.getByText('The file is not in UTF-8.').waitFor();
  await dialog.getByRole('button', { name: 'Go on' }).click();
  await dialog.getByText('It was interrupted').waitFor();
  await dialog.getByText('The file is not in UTF-8.').waitFor();
  expect(await sumsIn(page)).toEqual({ Added: '0', Changed: '0', 'As they were': '0', Refused: '0' });
  await page.context().close();
});

test('what was exported as CSV changes nothing when it is imported', async () => {
  const names = ['-Bob', '=1+1', '@at', ' leading', "'quoted", 'Ada;=HYPERLINK("http://x")', '5" Bob'];
  for (const name of names) await site.newUser({ name: `${name} back` });
  await site.newUser({ name: 'Plus back', email: '+x@example.com' });
  const page = await site.open('#/?q=back');
  await page
    .getByText(`${names.length + 1} users`)
    .first()
    .waitFor();
  const table = await exported(page, 'CSV');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  const dialog = page.getByRole('dialog');
  const file = { name: 'users.csv', mimeType: 'text/csv', buffer: Buffer.from(table) };
  await dialog.getByLabel('File', { exact: true }).setInputFiles(file);
  await dialog.getByLabel('If a user is there already').selectOption('Take the row');
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await dialog.getByText('Done', { exact: true }).waitFor();
  expect(await sumsIn(page)).toEqual({
    Added: '0',
    Changed: '0',
    'As they were': String(names.length + 1),
    Refused: '0',
  });
  await page.context().close();
});

async function exported(page: Page, choice: string): Promise<string> {
  await page.getByRole('button', { name: 'Export' }).click();
  const [download]: [Download, void] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('group', { name: 'Export' }).getByText(choice, { exact: true }).click(),
  ]);
  return readFile(await download.path(), 'utf8');
}

test('what the search finds is exported, as lines and as a table', async () => {
  await site.newUser({ name: '=Cell("A1")', email: 'cell@example.com', age: 1 });
  await site.newUser({ name: 'Cell, second' });
  const page = await site.open('#/?q=cell');
  await page.getByText('2 users').first().waitFor();
  const lines = (await exported(page, 'NDJSON')).trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(['=Cell("A1")', 'Cell, second']);
  const rows = (await exported(page, 'CSV')).trimEnd().split('\r\n');
  expect(rows[0]).toBe('\uFEFFid,name,email,age,type,createTime,updateTime');
  expect(rows[1]).toMatch(/^\d+,"'=Cell\(""A1""\)",cell@example.com,1,USER_TYPE_NORMAL,/);
  expect(rows[2]).toMatch(/^\d+,"Cell, second",,,USER_TYPE_NORMAL,/);
  await page.context().close();
});
