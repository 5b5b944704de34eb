import { status as Status } from '@grpc/grpc-js';
import type { audit } from '@rollcall/proto';
import { firstValueFrom, from, lastValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { auditEntries, createUser, failure, newUser, startService } from '../service.ts';

const everything = { pageSize: 0, pageToken: '', callerId: '0', deniedOnly: false };

const denial = (callerId: string, reason: string) => ({
  callerId,
  credential: 'token',
  method: 'a.Service.Method',
  address: 'unix',
  requestId: '',
  code: 7,
  reason,
});

const numbers = (entries: readonly audit.AuditEntry[]) => entries.map(({ seq }) => Number(seq));

test('gives the latest first, 50 on a page by default', async () => {
  await using service = await startService();
  await Promise.all(Array.from({ length: 60 }, () => createUser(service.users, {})));
  const first = await firstValueFrom(service.audit.listAuditEntries(everything));
  expect(numbers(first.entries)).toEqual(Array.from({ length: 50 }, (_, index) => 60 - index));
  const next = await firstValueFrom(service.audit.listAuditEntries({ ...everything, pageToken: first.nextPageToken }));
  expect(numbers(next.entries)).toEqual(Array.from({ length: 10 }, (_, index) => 10 - index));
  expect(next.nextPageToken).toBe('');
});

test('leads over every entry once while others are added', async () => {
  await using service = await startService();
  await Promise.all(Array.from({ length: 20 }, () => createUser(service.users, {})));
  const seen: number[] = [];
  let pageToken = '';
  do {
    const page = await firstValueFrom(service.audit.listAuditEntries({ ...everything, pageSize: 3, pageToken }));
    seen.push(...numbers(page.entries));
    ({ nextPageToken: pageToken } = page);
    await createUser(service.users, {});
  } while (pageToken !== '');
  expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => 20 - index));
});

test('gives the calls of one user, those that were denied, and the denied ones of one user', async () => {
  await using service = await startService();
  const { store, users } = service;
  for (let turn = 0; turn < 3; turn += 1) {
    await createUser(users, {}); // of nobody
    for (const callerId of ['7', '8']) store.audit.denied(denial(callerId, `no ${turn}`));
    await store.audit.flush();
  }
  const shown = async (asked: Partial<audit.ListAuditEntriesRequest>) =>
    numbers(await auditEntries(service.audit, { pageSize: 2, ...asked }));
  expect(await shown({})).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(await shown({ deniedOnly: true })).toEqual([2, 3, 5, 6, 8, 9]);
  expect(await shown({ callerId: '8' })).toEqual([3, 6, 9]);
  expect(await shown({ callerId: '8', deniedOnly: true })).toEqual([3, 6, 9]);
  expect(await shown({ callerId: '9' })).toEqual([]);
});

test('ends a page early when its entries are large, and leaves none out', async () => {
  await using service = await startService();
  const rows = Array.from({ length: 2000 }, () => newUser({ name: '😀'.repeat(200) }));
  const sent = [0, 500, 1000, 1500].map((start) => ({
    user: null,
    users: rows.slice(start, start + 500),
    dryRun: false,
    onConflict: 0,
    afterRow: '0',
    requestId: '',
  }));
  await lastValueFrom(service.users.importUsers(from(sent)));
  const page = await firstValueFrom(service.audit.listAuditEntries({ ...everything, pageSize: 1000 }));
  expect(page.entries.length).toBeLessThan(4);
  const entries = await auditEntries(service.audit);
  expect(entries.flatMap(({ changes }) => changes).map(({ after }) => after?.id)).toEqual(
    rows.map((_, index) => String(index + 1)),
  );
});

test('refuses a page token of another query, one that was changed, and one of the list of users', async () => {
  await using service = await startService();
  for (const name of ['Ada', 'Bob']) await createUser(service.users, { name });
  const { nextPageToken } = await firstValueFrom(service.audit.listAuditEntries({ ...everything, pageSize: 1 }));
  const users = { filter: '', orderBy: '', showDeleted: false, showTotal: false, pageSize: 1, pageToken: '' };
  const { nextPageToken: ofUsers } = await firstValueFrom(service.users.listUsers(users));
  for (const request of [
    { ...everything, pageToken: nextPageToken, callerId: '7' },
    { ...everything, pageToken: nextPageToken, deniedOnly: true },
    {
      ...everything,
      pageToken: `A${nextPageToken.slice(1)}` === nextPageToken ? 'none' : `A${nextPageToken.slice(1)}`,
    },
    { ...everything, pageToken: ofUsers },
  ])
    expect(await failure(service.audit.listAuditEntries(request))).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      details: { violations: [{ field: 'page_token' }] },
    });
  expect(await failure(service.users.listUsers({ ...users, pageToken: nextPageToken }))).toMatchObject({
    code: Status.INVALID_ARGUMENT,
  });
});

test('refuses a page of fewer entries than none, and takes more than a thousand for a thousand', async () => {
  await using service = await startService();
  const page = await firstValueFrom(service.audit.listAuditEntries({ ...everything, pageSize: 2 ** 31 - 1 }));
  expect(page.nextPageToken).toBe('');
  expect(await failure(service.audit.listAuditEntries({ ...everything, pageSize: -1 }))).toMatchObject({
    code: Status.INVALID_ARGUMENT,
  });
});
