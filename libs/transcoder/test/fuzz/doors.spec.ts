import { equals, fromBinary, fromJson, type JsonValue, type Message, toBinary } from '@bufbuild/protobuf';
import { RpcError } from '@rollcall/grpc';
import { codecsOf, type Contract, type MethodCodec, readProtoJson, rollcallContract, validate } from '@rollcall/proto';
import { testingContract } from '@rollcall/proto/testing';
import { expect, it } from 'vitest';
import { Random } from './random.ts';
import { type Binding, bindingsOf } from '../../src/binding.ts';
import { RequestReader } from '../../src/request-reader.ts';
import { mannersOf } from '../../src/rest-manners.ts';
import { deviations, deviationsOfObjects } from './deviations.ts';
import { type Piece, randomDocument } from './documents.ts';

/** How many documents are sent in sum. */
const documents = Number(process.env['FUZZ_DOCUMENTS'] ?? 3000);
/** The same in each run of `npm test`; `npm run test:fuzz` takes another each time. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);

/** What a door makes of a document: the message, or nothing when it refuses. */
type Door = (document: Piece) => Message | undefined;

interface Case {
  readonly contract: Contract;
  readonly binding: Binding;
  readonly name: string;
}

/** All methods with one request that is, or holds, a document. A patch has a mask too, which only REST makes. */
const cases: Case[] = [rollcallContract, testingContract].flatMap((contract) =>
  [...contract.methods.values()]
    .filter(({ path, requestStream }) => /^\/(rollcall|testing)\./.test(path) && !requestStream)
    .flatMap(bindingsOf)
    .filter(({ body, verb }) => body !== 'nothing' && verb !== 'PATCH')
    .map((binding) => ({ contract, binding, name: `${binding.verb} ${binding.template.source}` })),
);

function refusedAs<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RpcError) return undefined;
    throw error;
  }
}

function rest({ contract: { registry }, binding }: Case): Door {
  const reader = new RequestReader(binding, mannersOf(binding, []), registry);
  const parts = { segments: binding.template.segments.map(() => '7'), query: [], headers: {} };
  return ({ sent }) => refusedAs(() => reader.read(parts, Buffer.from(sent), 'The body'));
}

/** Bytes that protobuf-es makes of the document, as a service reads and checks them. */
function grpc({ contract, binding: { method, body, pathFields } }: Case): Door {
  const { input } = method;
  const codec = codecsOf(contract).get(method.path) as MethodCodec;
  return ({ meant }) => {
    const bytes = meant === undefined ? undefined : plainBytes(meant);
    if (bytes === undefined) return undefined;
    const got = fromBinary(input, codec.encodeRequest(codec.decodeRequest(bytes)));
    return validate(input, got).length === 0 ? got : undefined;
  };

  function plainBytes(text: string): Buffer | undefined {
    try {
      const json = JSON.parse(text) as JsonValue;
      if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
      const whole: { [name: string]: JsonValue } = typeof body === 'object' ? { [body.jsonName]: json } : json;
      // What the path says goes into the message that it names.
      for (const { path, variable } of pathFields) {
        const field = path.at(-1);
        const within = path.length > 1 ? json : whole;
        const words = Array.from({ length: variable.end - variable.start }, () => '7').join('/');
        if (field !== undefined) within[field.jsonName] = field.enum === undefined ? words : 7;
      }
      return Buffer.from(toBinary(input, fromJson(input, whole, { registry: contract.registry })));
    } catch {
      return undefined;
    }
  }
}

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
      const [got, plain] = [here(document), there(document)];
      if (plain !== undefined) taken += 1;
      const tell = (what: string): string => `${one.name} of ${document.sent}: ${what} (FUZZ_SEED=${seed})`;
      if (got === undefined && plain !== undefined) return tell('REST refuses what gRPC takes');
      if (got !== undefined && plain === undefined) return tell('REST takes what gRPC refuses');
      if (got !== undefined && plain !== undefined && !isSame(method.input, got, plain)) return tell('another message');
    }
  }
  // Doors that refuse all would differ in nothing.
  return taken > count / 5 ? undefined : `only ${taken} of ${count} were taken (FUZZ_SEED=${seed})`;
}

function isSame(desc: Binding['method']['input'], a: Message, b: Message): boolean {
  return equals(desc, a, b) || Buffer.compare(toBinary(desc, a), toBinary(desc, b)) === 0; // NaN is no NaN
}

it('each document has the same verdict at both doors, and makes the same message', { timeout: 3_600_000 }, () => {
  expect(cases.length).toBeGreaterThan(10);
  expect(firstDifference(cases, documents, rest)).toBeUndefined();
});

function caseNamed(name: string): Case {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

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

it.each([
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
