import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { type audit, rollcallContract, user } from '@rollcall/proto';
import { firstValueFrom, lastValueFrom, type Observable } from 'rxjs';
import { expect, test } from 'vitest';
import { ask } from './rollcall.ts';
import { by, type SignedIn, startSignedIn } from './sign-in.ts';

/** What the log must say of a call: who, what, how it ended, and how many users it changed. */
type Line = string;
const line = (callerId: string, method: string, code: Status, changes: number): Line =>
  `${callerId} ${method} ${Status[code]} ${changes}`;

interface Somebody {
  readonly id: string;
  readonly secret: string;
}

/** Numbers that are the same in every run. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const users = 'rollcall.user.v1.UserService.';
const unset = { createTime: null, updateTime: null, deleteTime: null, purgeTime: null, etag: '' };

/** A client that does what it may and what it may not, over both doors, and writes down what it did. */
class Client {
  readonly done: Line[] = [];
  readonly #system: SignedIn;
  readonly #random: (below: number) => number;

  constructor(system: SignedIn, random: (below: number) => number) {
    this.#system = system;
    this.#random = random;
  }

  async act(who: Somebody, isAdministrator: boolean, others: readonly string[]): Promise<void> {
    const subject = others[this.#random(others.length)] ?? '1';
    const name = `n${this.#random(1_000_000)}`;
    const { users: client, rollcall } = this.#system;
    const headers = { authorization: `Bearer ${who.secret}`, 'content-type': 'application/json' };
    const denied = isAdministrator ? undefined : Status.PERMISSION_DENIED;
    const rest = (verb: string, path: string, body: object) =>
      ask(rollcall, path, { verb, headers, body: JSON.stringify(body) });
    switch (this.#random(8)) {
      case 0:
        await rest('POST', '/v1/users', { name });
        this.#note(who, `${users}CreateUser`, denied, 1);
        break;
      case 1:
        await outcome(
          client.createUser(
            { user: { id: '0', name, email: '', type: user.UserType.USER_TYPE_GUEST, ...unset }, requestId: '' },
            by(who.secret),
          ),
        );
        this.#note(who, `${users}CreateUser`, denied, 1);
        break;
      case 2:
        await rest('PATCH', `/v1/users/${subject}`, { name });
        this.#note(who, `${users}UpdateUser`, subject === who.id ? undefined : denied, 1);
        break;
      case 3:
        await outcome(
          client.updateUser(
            { user: { id: who.id, name, email: '', type: 0, ...unset }, updateMask: ['name'] },
            by(who.secret),
          ),
        );
        this.#note(who, `${users}UpdateUser`, undefined, 1);
        break;
      case 4:
        await outcome(
          client.updateUser(
            {
              user: { id: who.id, name, email: '', type: user.UserType.USER_TYPE_ADMINISTRATOR, ...unset },
              updateMask: ['type'],
            },
            by(who.secret),
          ),
        );
        this.#note(who, `${users}UpdateUser`, denied, 0); // an administrator is one already
        break;
      case 5: {
        const rows = Array.from({ length: 3 }, (_, row) => ({ name: `${name}-${row}` }));
        await ask(rollcall, '/v1/users:import', {
          verb: 'POST',
          headers,
          body: rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
        });
        this.#note(who, `${users}ImportUsers`, denied, 3);
        break;
      }
      case 6:
        await outcome(client.getUser({ id: subject }, by(who.secret))); // reads leave no line
        break;
      default:
        await ask(rollcall, `/v1/users/${subject}`, { headers: { authorization: 'Bearer nobody.knows.this' } });
        this.done.push(line('0', `${users}GetUser`, Status.UNAUTHENTICATED, 0));
    }
  }

  #note({ id }: Somebody, method: string, denied: Status | undefined, changes: number): void {
    if (denied !== undefined) this.done.push(line(id, method, denied, 0));
    else for (let change = 0; change < changes; change += 1) this.done.push(line(id, method, Status.OK, 1));
  }
}

async function outcome(call: Observable<unknown>): Promise<void> {
  await lastValueFrom(call, { defaultValue: undefined }).catch((error: unknown) => {
    if (!(error instanceof RpcError)) throw error;
  });
}

async function entriesOf({ rollcall, administrator }: SignedIn): Promise<audit.AuditEntry[]> {
  const client = rollcall.client<audit.AuditServiceClient>(rollcallContract, 'rollcall.audit.v1.AuditService');
  const entries: audit.AuditEntry[] = [];
  let pageToken = '';
  do {
    const page = await firstValueFrom(
      client.listAuditEntries({ pageSize: 100, pageToken, callerId: '0', deniedOnly: false }, by(administrator)),
    );
    entries.push(...page.entries);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return entries.toReversed();
}

/** A line for each change and for each denied call: an import is written in as many entries as it takes transactions. */
function linesOf(entries: readonly audit.AuditEntry[]): Line[] {
  return entries.flatMap(({ callerId, method, code, changes, count }) =>
    Array.from({ length: Math.max(count, changes.length) }, () =>
      line(callerId, method, code, Math.min(1, changes.length)),
    ),
  );
}

test('the audit log has all that a client did, and nothing else', async () => {
  await using system = await startSignedIn();
  const somebody = async (type: user.UserType): Promise<Somebody> => {
    const id = await system.newUser({ type });
    return { id, secret: await system.newToken(id) };
  };
  const administrator = await somebody(user.UserType.USER_TYPE_ADMINISTRATOR);
  const first = await somebody(user.UserType.USER_TYPE_NORMAL);
  const second = await somebody(user.UserType.USER_TYPE_NORMAL);
  const ids = [first.id, second.id, await system.newUser()];
  const before = (await entriesOf(system)).length;
  const client = new Client(system, sequence(1));
  for (let turn = 0; turn < 40; turn += 1) {
    await Promise.all([administrator, first, second].map((who) => client.act(who, who === administrator, ids)));
  }
  await expect
    .poll(async () => linesOf((await entriesOf(system)).slice(before)).length, { timeout: 10_000 })
    .toBe(client.done.length);
  const entries = (await entriesOf(system)).slice(before);
  expect(linesOf(entries).toSorted()).toEqual(client.done.toSorted());
  expect(entries.every(({ requestId, address, time }) => requestId !== '' && address !== '' && time !== null)).toBe(
    true,
  );
  for (const { changes, code } of entries.filter(({ method }) => method === `${users}UpdateUser`))
    expect(
      changes.every(({ before: was, after }) => code === 0 && was?.id === after?.id && was?.etag !== after?.etag),
    ).toBe(true);
}, 60_000);
