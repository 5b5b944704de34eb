import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Message } from '@bufbuild/protobuf';
import { RpcError } from '@rollcall/grpc';
import { expect, it } from 'vitest';
import { bodyForm, readDocuments } from '../../src/request/body.ts';
import { type Piece, randomDocument } from './documents.ts';
import { bodyCases, type Case, caseNamed, grpc, isSame, partsOf, readerOf } from './doors.ts';
import { Random } from './random.ts';

/** How many bodies are sent in sum, of three documents each or so. */
const bodies = Math.ceil(Number(process.env['FUZZ_DOCUMENTS'] ?? 3000) / 3);
/** The same in each run of `npm test`; `npm run test:fuzz` takes another each time. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);

/** All with a stream of requests. */
const cases = bodyCases.filter(({ binding: { method } }) => method.requestStream);

/** A body of several documents. */
interface Body {
  readonly type: string;
  /** The body, as it arrives. */
  readonly chunks: readonly Buffer[];
  readonly documents: readonly Piece[];
  /** What the documents are called in errors, without their number. */
  readonly unit: 'Line' | 'Element';
}

/** What a door makes of a body: the messages up to the first that it refuses, and why. */
interface Outcome {
  readonly messages: readonly Message[];
  /** What the refusal says; undefined when nothing is refused. */
  readonly refusal: string | undefined;
}

type Door = (body: Body) => Promise<Outcome>;

function randomBody({ binding: { method, pathFields, shortBody } }: Case, random: Random): Body {
  const inPath = new Set(pathFields.flatMap(({ path }) => path.at(-1) ?? []));
  const documents = Array.from({ length: random.below(6) }, (_, index): Piece => {
    if (shortBody?.message === undefined || random.chance(2))
      return randomDocument(method.input, index === 0 ? inPath : new Set(), random);
    const item = randomDocument(shortBody.message, new Set(), random);
    const names = shortBody.message.fields.flatMap(({ jsonName, name }) => [`"${jsonName}":`, `"${name}":`]);
    // An item is known by its fields.
    if (!names.some((name) => item.sent.includes(name))) return { sent: '{}', meant: '{}' };
    return { ...item, meant: item.meant && `{"${shortBody.jsonName}":${item.meant}}` };
  });
  const isArray = random.chance(2);
  const space = (): string => random.pick(['', '', ' ', '\n', '\r\n \t']);
  const text = isArray
    ? `${space()}[${space()}${documents.map(({ sent }) => `${sent}${space()}`).join(`,${space()}`)}]${space()}`
    : documents.map(({ sent }) => `${sent.replaceAll('\n', ' ')}${random.pick(['\n', '\n', '\r\n'])}`).join('');
  const bytes = Buffer.from(random.chance(3) && !isArray ? text.trimEnd() : text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random.below(random.chance(2) ? 3 : 200);
    chunks.push(bytes.subarray(at, (at += length)));
  }
  // Lines whose first is an array look like one where the type does not tell.
  const unsaid = isArray || !(documents[0]?.sent ?? '').startsWith('[') ? [''] : [];
  const types = isArray ? ['application/json'] : ['application/x-ndjson', 'application/jsonl'];
  return { type: random.pick([...types, ...unsaid]), chunks, documents, unit: isArray ? 'Element' : 'Line' };
}

async function outcomeOf(read: AsyncIterable<Message>): Promise<Outcome> {
  const messages: Message[] = [];
  try {
    for await (const message of read) messages.push(message);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { messages, refusal: error.message };
  }
  return { messages, refusal: undefined };
}

function rest(one: Case): Door {
  const reader = readerOf(one);
  return ({ type, chunks }) => {
    const request = new IncomingMessage(new Socket());
    for (const chunk of [...chunks, null]) request.push(chunk);
    const documents = readDocuments(request, bodyForm(type, true), 'identity', 1_000_000);
    return outcomeOf(reader.readStream(partsOf(one), documents));
  };
}

/** Messages that protobuf-es makes of the documents, as a service reads and checks them. */
function plain(one: Case): (body: Body) => Outcome {
  const [first, next] = [grpc(one), grpc(one, 1)];
  return ({ documents, unit }) => {
    const messages: Message[] = [];
    for (const [index, document] of documents.entries()) {
      const message = (index === 0 ? first : next)(document);
      if (message === undefined) return { messages, refusal: `${unit} ${index + 1}` };
      messages.push(message);
    }
    return { messages, refusal: undefined };
  };
}

/** Sends bodies to both doors. @returns the first that they do not agree on */
async function firstDifference(
  some: readonly Case[],
  count: number,
  door: (one: Case) => Door,
): Promise<string | undefined> {
  const random = new Random(seed);
  let taken = 0;
  for (const one of some) {
    const { input } = one.binding.method;
    const [here, there] = [door(one), plain(one)];
    for (let sent = 0; sent < count / some.length; sent += 1) {
      const body = randomBody(one, random);
      const [got, meant] = [await here(body), there(body)];
      taken += meant.messages.length;
      const isAsMeant =
        got.messages.length === meant.messages.length &&
        meant.messages.every((message, index) => isSame(input, message, got.messages[index])) &&
        (meant.refusal === undefined ? got.refusal === undefined : got.refusal?.startsWith(meant.refusal) === true);
      if (isAsMeant) continue;
      const told = ({ messages, refusal }: Outcome): string =>
        `${messages.length} messages, then ${refusal ?? 'the end'}`;
      return `${one.name} of ${Buffer.concat(body.chunks).toString()}: ${told(got)}; not ${told(meant)} (FUZZ_SEED=${seed})`;
    }
  }
  // Doors that refuse all would differ in nothing.
  return taken > count / 2 ? undefined : `only ${taken} messages of ${count} bodies were taken (FUZZ_SEED=${seed})`;
}

it(
  'each body of a request stream gives the same messages at both doors, up to the same one',
  { timeout: 3_600_000 },
  async () => {
    expect(cases.length).toBeGreaterThan(4);
    expect(await firstDifference(cases, bodies, rest)).toBeUndefined();
  },
);

/** A door that goes on behind a document which it refuses. */
const stubbornDoor = (one: Case): Door => {
  const door = rest(one);
  return async (body) => {
    const outcomes = await Promise.all(
      body.documents.map(({ sent }) => door({ ...body, chunks: [Buffer.from(sent.replaceAll('\n', ' '))] })),
    );
    return {
      messages: outcomes.flatMap(({ messages }) => messages),
      refusal: outcomes.find((each) => each.refusal)?.refusal,
    };
  };
};

/** A door that finds the end of a document without a look at its texts. */
const carelessDoor = (one: Case): Door => {
  const door = rest(one);
  return (body) => {
    const text = Buffer.concat(body.chunks).toString().replaceAll('name,email', 'name"}\n{"b":"');
    return door({ ...body, chunks: [Buffer.from(text)] });
  };
};

/** A door that puts what the path says into every message. */
const repeatingDoor = (one: Case): Door => {
  const reader = readerOf(one);
  return ({ type, chunks }) => {
    const request = new IncomingMessage(new Socket());
    for (const chunk of [...chunks, null]) request.push(chunk);
    const documents = readDocuments(request, bodyForm(type, true), 'identity', 1_000_000);
    return outcomeOf(
      (async function* () {
        for await (const { bytes, what } of documents) yield reader.read(partsOf(one), bytes, what);
      })(),
    );
  };
};

it.each([
  ['POST /v1/users:import', 'goes on behind what it refuses', stubbornDoor],
  ['POST /v1/users:import', 'looks into texts for the end', carelessDoor],
  ['POST /v1/{shelf=shelves/*}/books:count', 'puts the path into every message', repeatingDoor],
] as const)('finds the difference when the door of %s %s', async (name, _, door) => {
  expect(await firstDifference([caseNamed(name)], 5000, door)).toMatch(/messages, then .*; not \d/);
});
