import { equals, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { status as Status } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { codecsOf, type Contract, loaderOptions, type Method, type MethodCodec } from '@rollcall/contract';
import { rollcallContract } from '@rollcall/proto';
import { testingContract } from '@rollcall/contract/testing';
import { expect, it } from 'vitest';
import { RpcError } from '../../src/status/rpc-error.ts';
import { ServedMethod } from '../../src/server/served-method.ts';
import { randomMessage } from './messages.ts';
import { mutated } from './mutations.ts';
import { Random } from './random.ts';

/** How many mutated messages are sent in sum. */
const messages = Number(process.env['FUZZ_MESSAGES'] ?? 10_000);
/** The same in each run of `npm test`; `npm run test:fuzz` takes another each time. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const validator = createValidator();

interface Case {
  readonly method: Method;
  readonly codec: MethodCodec;
}

const methods: Case[] = [rollcallContract, testingContract].flatMap((contract) => {
  const codecs = codecsOf(contract);
  return [...contract.methods.values()]
    .filter(({ path }) => /^\/(rollcall|testing)\./.test(path))
    .map((method) => ({ method, codec: codecs.get(method.path) as MethodCodec }));
});

/**
 * Sends mutated messages of each method, and tells of the first that came to a handler as something else than it is, or
 * against its rules.
 */
function firstDifference(cases: readonly Case[], count: number): string | undefined {
  const random = new Random(seed);
  const each = Math.ceil(count / cases.length);
  let accepted = 0;
  for (const { method, codec } of cases) {
    const served = new ServedMethod(method, codec, () => ({}));
    const corpus = Array.from({ length: 60 }, () =>
      Buffer.from(toBinary(method.input, randomMessage(method.input, random))),
    );
    for (let sent = 0; sent < each; sent += 1) {
      let bytes: Buffer = random.pick(corpus);
      for (let times = random.below(4); times > 0; times -= 1) bytes = mutated(bytes, corpus, random);
      const request = accept(served, bytes);
      if (request === undefined) continue;
      accepted += 1;
      const why = difference(method, codec, bytes, request);
      if (why !== undefined) return `${method.path} of ${bytes.toString('hex')}: ${why} (FUZZ_SEED=${seed})`;
    }
  }
  // A reader that refuses all would differ in nothing.
  return accepted > count / 10 ? undefined : `only ${accepted} of ${count} were taken (FUZZ_SEED=${seed})`;
}

function accept(served: ServedMethod, bytes: Buffer): object | undefined {
  try {
    return served.decodeRequest(bytes);
  } catch (error) {
    if (error instanceof RpcError && error.code === Status.INVALID_ARGUMENT) return undefined;
    throw error;
  }
}

function difference({ input }: Method, codec: MethodCodec, bytes: Buffer, request: object): string | undefined {
  const got = fromBinary(input, codec.encodeRequest(request));
  const { kind } = validator.validate(input, got);
  if (kind !== 'valid') return 'what reaches the handler breaks a rule';
  let plain: Message;
  try {
    plain = fromBinary(input, bytes, { readUnknownFields: false });
  } catch (error) {
    return `a plain reading refuses it: ${String(error)}`;
  }
  return isSame(input, plain, got) ? undefined : 'a plain reading gives another message';
}

function isSame(desc: Method['input'], a: Message, b: Message): boolean {
  if (equals(desc, a, b)) return true;
  // For `equals` NaN is no NaN, and on the wire there are many.
  for (const message of [a, b]) makeOneNaN(message);
  return Buffer.compare(toBinary(desc, a), toBinary(desc, b)) === 0;
}

function makeOneNaN(value: object): void {
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    if (Number.isNaN(inner)) Reflect.set(value, key, NaN);
    else if (typeof inner === 'object' && inner !== null && !ArrayBuffer.isView(inner)) makeOneNaN(inner);
  }
}

it(
  'of mutated messages, what reaches a handler is valid, and is what a plain reading says',
  { timeout: 3_600_000 },
  () => {
    expect(firstDifference(methods, messages)).toBeUndefined();
  },
);

it('takes each message that is as it should be and keeps the rules', () => {
  const random = new Random(seed);
  for (const { method, codec } of methods) {
    const served = new ServedMethod(method, codec, () => ({}));
    for (let sent = 0; sent < 20; sent += 1) {
      const message = randomMessage(method.input, random);
      const bytes = Buffer.from(toBinary(method.input, message));
      const isValid = validator.validate(method.input, message).kind === 'valid';
      expect([method.path, bytes.toString('hex'), accept(served, bytes) !== undefined]).toEqual([
        method.path,
        bytes.toString('hex'),
        isValid,
      ]);
    }
  }
});

/** The reader that services had before: protobufjs for the handler, and the rules asked of another reading. */
function withOtherReader(contract: Contract, { method, codec }: Case): Case {
  const loaded = loadFileDescriptorSetFromBuffer(Buffer.from(contract.image), loaderOptions);
  const service = loaded[method.service];
  const definition = service !== undefined && 'format' in service ? undefined : service?.[method.name];
  if (definition === undefined) throw new Error(`there is no ${method.path}`);
  const read = definition.requestDeserialize;
  return { method, codec: { ...codec, decodeRequest: (bytes) => read(Buffer.from(bytes)) } };
}

it.each(['CreateUser', 'SendNote', 'ListUsers'])('finds the difference when another reader reads %s', (name) => {
  const found = methods.filter(({ method }) => method.name === name && method.path.startsWith('/rollcall.'));
  expect(found).toHaveLength(1);
  const planted = found.map((one) => withOtherReader(rollcallContract, one));
  expect(firstDifference(planted, 20_000)).toMatch(/plain reading|breaks a rule/);
});
