import { user } from '@rollcall/proto';
import { expect, test } from 'vitest';
import { matches } from '../../../src/query/filter/match.ts';
import { parseFilter } from '../../../src/query/filter/parser.ts';
import { type TestUser, toMessage } from '../users.ts';

const ada: TestUser = {
  id: 7,
  name: 'Ada Lovelace',
  email: 'Ada@Example.com',
  age: 36,
  type: user.UserType.USER_TYPE_ADMINISTRATOR,
  createTimeMs: Date.UTC(2026, 0, 31, 12),
  updateTimeMs: Date.UTC(2026, 0, 31, 12, 0, 0, 500),
  deleteTimeMs: Date.UTC(2026, 1, 1),
  purgeTimeMs: Date.UTC(2026, 2, 1),
};
/** Of whom as little as possible is known. */
const guest: TestUser = { id: 8, name: 'Guest', type: user.UserType.USER_TYPE_GUEST };

function lets(filter: string, through: TestUser): boolean {
  return matches(parseFilter(filter), toMessage(through));
}

/** The filters of a few lines, `; ` between them. */
function filtersOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split('; '));
}

test.each(
  filtersOf([
    'id = 7; id != 8; id < 8; id > 6; id <= 7; id >= 7; id:*; id < 9223372036854775807',
    'name = "Ada Lovelace"; name != "ada lovelace"; name < "ADB"; name > ada; name <= "ada lovelace"',
    'name >= "ADA LOVELACE"; name:LOVE; name:"a l"; name:*; name:ada*; name:*LACE; name:""',
    'name = Ada*; name = "*lace"; name = *Love*; name = *; name != ada*; name != *LACE; name != *love*',
    'email = ada@example.COM; email != ada@example.org; email:EXAMPLE; email:*; email = *@EXAMPLE.com',
    'email = ADA@*; email < "ada@f"; email > "ada@"; email >= ADA@EXAMPLE.COM; email <= ADA@EXAMPLE.COM',
    'age = 36; age != 35; age < 37; age > -5; age <= 36; age >= 36; age:*; age > 35',
    'type = USER_TYPE_ADMINISTRATOR; type = ADMINISTRATOR; type = "ADMINISTRATOR"; type = 2; type != GUEST',
    'create_time = 2026-01-31T12:00:00Z; create_time = "2026-01-31T13:00:00+01:00"; createTime:*',
    'createTime > 2026-01-31T11:59:59.999999999Z; createTime < 2026-01-31T12:00:00.000001Z',
    'createTime <= 2026-01-31T12:00:00.000000001Z; create_time != 2026-01-31T12:00:00.0000001Z',
    'create_time = 2026-01-31T07:30:00-04:30; create_time = 2026-02-01T00:00:00+12:00',
    'update_time = 2026-01-31T12:00:00.5Z; updateTime >= 2026-01-31T12:00:00.500000Z',
    'delete_time:*; deleteTime > 2026-01-31T23:59:59-00:00; purge_time != 2026-03-02T00:00:00Z; purgeTime:*',
    'ada; "A L"; EXAMPLE; ada*; *.com; *; ada@example.com; "ada" lovelace',
  ]),
)('%s lets the administrator through', (filter) => {
  expect(lets(filter, ada)).toBe(true);
  expect(lets(`NOT (${filter})`, ada)).toBe(false);
});

test.each(
  filtersOf([
    'id = 70; id != 7; id > 7; id < 7; name = ada*; name = "Ada"; name:adb; name = love*; name = *Ada',
    'name:love*; name:*ada; email = example*; email:org; age != 36; age < 36; age > 36; type = GUEST',
    'type != 2; create_time = 2026-01-31T12:00:00.0000001Z; create_time >= 2026-01-31T12:00:00.0001Z',
    'create_time > 2026-01-31T12:00:00Z; grace; "ada  lovelace"; name = ""',
  ]),
)('%s does not let the administrator through', (filter) => {
  expect(lets(filter, ada)).toBe(false);
  expect(lets(`-(${filter})`, ada)).toBe(true);
});

test('lets everyone through when there is nothing to filter by', () => {
  expect(lets('', guest)).toBe(true);
  expect(lets(' \n\t', guest)).toBe(true);
});

test.each(['age', 'delete_time', 'purge_time'])(
  'compares no %s that is not known, and its negation is plain',
  (field) => {
    const values = field === 'age' ? ['30', '-1', '-2'] : ['2026-01-01T00:00:00.5000001Z', '1970-01-01T00:00:00Z'];
    for (const comparison of ['=', '!=', '<', '>', '<=', '>='].flatMap((by) =>
      values.map((value) => `${by} ${value}`),
    )) {
      expect(lets(`${field} ${comparison}`, guest)).toBe(false);
      expect(lets(`NOT ${field} ${comparison}`, guest)).toBe(true);
    }
    expect(lets(`${field}:*`, guest)).toBe(false);
    expect(lets(`NOT ${field}:*`, guest)).toBe(true);
  },
);

test('takes an email address that is not known for an empty text', () => {
  for (const filter of [
    'email = ""',
    'email != ada@example.com',
    'email < a',
    'NOT email:*',
    'email = *',
    'email:""',
  ]) {
    expect(lets(filter, guest)).toBe(true);
  }
});

test('searches without regard to case, and to how Unicode composes letters', () => {
  expect(lets('name:ÉLAN', { id: 1, name: 'un e\u0301lan' })).toBe(true);
  expect(lets('name:ΣΑΣ', { id: 1, name: 'ΣΑΣΑ' })).toBe(true);
  expect(lets('name:ﬁn', { id: 1, name: 'Finn' })).toBe(true);
});

test('orders texts by code point, as the databases do', () => {
  // U+1F600 is above U+E000, and its first UTF-16 unit below.
  expect(lets('name > "\ue000"', { id: 1, name: '\u{1f600}' })).toBe(true);
});

test('takes an escaped star, and a star amid a text, for a star', () => {
  expect(lets(String.raw`name = "\*"`, { id: 1, name: '*' })).toBe(true);
  expect(lets(String.raw`name = "\*"`, { id: 1, name: 'Ada' })).toBe(false);
  expect(lets('name = A*a', { id: 1, name: 'Ada' })).toBe(false);
  expect(lets('name = A*a', { id: 1, name: 'A*a' })).toBe(true);
});

test('reads the escapes of quoted text', () => {
  expect(lets(String.raw`name = '"it\'s" \\ here'`, { id: 1, name: String.raw`"it's" \ here` })).toBe(true);
  expect(lets(String.raw`name = "\"it's\""`, { id: 1, name: `"it's"` })).toBe(true);
});
