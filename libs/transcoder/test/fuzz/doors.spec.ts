import { fromJson, type JsonValue, type Message, toBinary } from '@bufbuild/protobuf';
import { readProtoJson, validate } from '@rollcall/contract';
import { expect, it } from 'vitest';
import { deviations, deviationsOfObjects } from './deviations.ts';
import { type Piece, randomDocument } from './documents.ts';
import { bodyCases, type Case, caseNamed, type Door, grpc, isSame, rest } from './doors.ts';
import { Random } from './random.ts';

/** How many documents are sent in sum. */
const documents = Number(process.env['FUZZ_DOCUMENTS'] ?? 3000);
/** The same in each run of `npm test`; `npm run test:fuzz` takes another each time. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);

/** All with one request. */
const cases = bodyCases.filter(({ binding: { method } }) => !method.requestStream);

const masks = ['', '*', 'name', 'name,email', 'author.born', 'a_string', 'aString', 'a..b', ',', 'age,', ' name'];

/** Sends documents to both doors. @returns the first that they do not agree on */
function firstDifference(some: readonly Case[], count: number, door: (one: Case) => Door): string | undefined {
  const random = new Random(seed);
  let taken = 0;
  for (const one of some) {
    const { body, method, pathFields } = one.binding;
    const desc = (typeof body === 'object' ? body.message : undefined) ?? method.input;
    const omitted = new Set(pathFields.flatMap(({ path }) => path.at(-1) ?? []));
    const [here, there] = [door(one), grpc(one)];
    for (let sent = 0; sent < count / some.length; sent += 1) {
      const document = randomDocument(desc, omitted, random);
      // Without a mask in the query, the keys of a patch are its mask.
      const mask = one.binding.verb === 'PATCH' && random.chance(4) ? random.pick(masks) : undefined;
      const [got, plain] = [here(document, mask), there(document, mask)];
      if (plain !== undefined) taken += 1;
      const tell = (what: string): string =>
        `${one.name}${mask === undefined ? '' : `?updateMask=${mask}`} of ${document.sent}: ${what} (FUZZ_SEED=${seed})`;
      if (got === undefined && plain !== undefined) return tell('REST refuses what gRPC takes');
      if (got !== undefined && plain === undefined) return tell('REST takes what gRPC refuses');
      if (got !== undefined && plain !== undefined && !isSame(method.input, got, plain)) return tell('another message');
    }
  }
  // Doors that refuse all would differ in nothing.
  return taken > count / 5 ? undefined : `only ${taken} of ${count} were taken (FUZZ_SEED=${seed})`;
}

it('each document has the same verdict at both doors, and makes the same message', { timeout: 3_600_000 }, () => {
  expect(cases.length).toBeGreaterThan(10);
  expect(firstDifference(cases, documents, rest)).toBeUndefined();
});

/** A door that reads with JSON.parse, and otherwise than it should. */
function plantedDoor(read: (one: Case, json: JsonValue) => Message): (one: Case) => Door {
  return (one) =>
    ({ sent }) => {
      try {
        const json = JSON.parse(sent) as JsonValue;
        const { body } = one.binding;
        return read(one, typeof body === 'object' ? { [body.jsonName]: json } : json);
      } catch {
        return undefined;
      }
    };
}

/** The reader that REST had before. */
const forgivingDoor = plantedDoor(({ contract: { registry }, binding: { method } }, json) => {
  const message = fromJson(method.input, json, { registry });
  if (validate(method.input, message).length > 0) throw new Error('it breaks a rule');
  return message;
});

const laxDoor = plantedDoor(({ contract: { registry }, binding: { method } }, json) =>
  readProtoJson(method.input, json, registry),
);

/** A door that keeps fields which a patch clears out of its mask. */
const forgetfulDoor = (one: Case): Door => {
  const door = rest(one);
  return (document, mask) => {
    try {
      const entries = Object.entries(JSON.parse(document.sent) as object).filter(([, value]) => value !== null);
      return door({ ...document, sent: JSON.stringify(Object.fromEntries(entries)) }, mask);
    } catch {
      return door(document, mask);
    }
  };
};
/** A door that leaves out the mask in the query. */
const masklessDoor = (one: Case): Door => {
  const door = rest(one);
  return (document) => door(document);
};

it.each([
  ['PATCH /v1/users/{user.id}', 'no mask for what is cleared', forgetfulDoor],
  ['PATCH /v1/users/{user.id}', 'no mask of the query', masklessDoor],
  ['PATCH /v1/{book.name=shelves/*/books/*}', 'no mask for what is cleared', forgetfulDoor],
  ['POST /v1/users', 'another reader', forgivingDoor],
  ['POST /v1/books:echo', 'another reader', forgivingDoor],
  ['POST /v1/users', 'no rules', laxDoor],
] as const)('finds the difference when the door of %s has %s', (name, _, door) => {
  expect(firstDifference([caseNamed(name)], 20_000, door)).toMatch(/REST (takes|refuses)|another message/);
});

const examples = [
  ...deviations.map(({ what, example: [field, sent], meant }) => {
    const [book, given] = [sent, meant(sent)].map((value) => value && `{"${field}":${value}}`);
    return [what, book ?? '', given] as const;
  }),
  ...deviationsOfObjects,
];

it.each(examples)('protobuf-es differs: %s', (_, sent, meant) => {
  const one = caseNamed('POST /v1/books:echo');
  const document: Piece = { sent: `{"book":${sent}}`, meant: meant && `{"book":${meant}}` };
  const [here, there, forgiving] = [rest, grpc, forgivingDoor].map((door) => {
    const message = door(one)(document);
    return message && Buffer.from(toBinary(one.binding.method.input, message)).toString('hex');
  });
  expect(here).toBe(there);
  expect(here).not.toBe(forgiving);
});

it.each(deviations)('is found in documents: $what', ({ example: [, sent], holds }) => {
  expect(holds(sent)).toBe(true);
});
