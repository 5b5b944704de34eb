/** The doors that documents are sent to: the reader of REST, and what a service makes of the bytes of protobuf-es. */
import {
  fromBinary,
  fromJson,
  equals,
  getOption,
  type DescMessage,
  type JsonValue,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import { RpcError } from '@rollcall/grpc';
import {
  codecsOf,
  type Contract,
  FieldBehavior,
  fieldBehavior,
  type MethodCodec,
  validate,
  type Binding,
  bindingsOf,
} from '@rollcall/contract';
import { rollcallContract } from '@rollcall/proto';
import { testingContract } from '@rollcall/contract/testing';
import { RequestReader } from '../../src/request/reader.ts';
import { conventionsOf } from '../../src/conventions/aip.ts';
import { meaningOf } from './deviations.ts';
import type { Piece } from './documents.ts';

/** What a door makes of a document: the message, or nothing when it refuses. */
export type Door = (document: Piece, mask?: string) => Message | undefined;

export interface Case {
  readonly contract: Contract;
  readonly binding: Binding;
  readonly name: string;
}

/** All bindings that take a document. */
export const bodyCases: readonly Case[] = [rollcallContract, testingContract].flatMap((contract) =>
  [...contract.methods.values()]
    .filter(({ path }) => /^\/(rollcall|testing)\./.test(path))
    .flatMap(bindingsOf)
    .filter(({ body }) => body !== 'nothing')
    .map((binding) => ({ contract, binding, name: `${binding.verb} ${binding.template.source}` })),
);

export function caseNamed(name: string): Case {
  const found = bodyCases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

export function refusedAs<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RpcError) return undefined;
    throw error;
  }
}

export function readerOf({ contract: { registry }, binding }: Case): RequestReader {
  return new RequestReader(binding, conventionsOf(binding, []), registry);
}

/** What a request has beside its body: in the path, where each variable is a seven, and a mask in the query. */
export function partsOf({ binding }: Case, mask?: string) {
  const query: [string, string][] = mask === undefined ? [] : [['updateMask', mask]];
  return { segments: binding.template.segments.map(() => '7'), query, headers: {} };
}

export function rest(one: Case): Door {
  const reader = readerOf(one);
  return ({ sent }, mask) => refusedAs(() => reader.read(partsOf(one, mask), Buffer.from(sent), 'The body'));
}

/**
 * Bytes that protobuf-es makes of the document, as a service reads and checks them.
 *
 * @param place where the document stands in its stream: what the path says goes into the first message
 */
export function grpc({ contract, binding: { method, body, pathFields, verb } }: Case, place = 0): Door {
  const { input } = method;
  const codec = codecsOf(contract).get(method.path) as MethodCodec;
  return (document, mask) => {
    const bytes = plainBytes(document, mask);
    if (bytes === undefined) return undefined;
    const got = fromBinary(input, codec.encodeRequest(codec.decodeRequest(bytes)));
    return validate(input, got).length === 0 ? got : undefined;
  };

  function plainBytes({ sent, meant }: Piece, mask: string | undefined): Buffer | undefined {
    if (meant === undefined) return undefined;
    try {
      const json = JSON.parse(meant) as JsonValue;
      if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
      const whole: { [name: string]: JsonValue } = typeof body === 'object' ? { [body.jsonName]: json } : json;
      const inPath = place === 0 ? pathFields : [];
      // What the path says goes into the message that it names.
      for (const { path, variable } of inPath) {
        const field = path.at(-1);
        const within = path.length > 1 ? json : whole;
        const words = Array.from({ length: variable.end - variable.start }, () => '7').join('/');
        if (field !== undefined) within[field.jsonName] = field.enum === undefined ? words : 7;
      }
      if (verb === 'PATCH' && typeof body === 'object' && body.message !== undefined) {
        const named = inPath.map(({ path }) => path.at(-1)?.jsonName);
        const keys = keysOf(body.message, JSON.parse(sent) as JsonValue).filter((key) => !named.includes(key));
        const text = mask === undefined ? keys.join(',') : meaningOf('mask', JSON.stringify(mask));
        if (text === undefined) return undefined;
        whole['updateMask'] = mask === undefined ? text : (JSON.parse(text) as string);
      }
      return Buffer.from(toBinary(input, fromJson(input, whole, { registry: contract.registry })));
    } catch {
      return undefined;
    }
  }
}

/** What a merge patch changes: each key that is there, also with null; of a message that is an object, its keys. */
function keysOf(desc: DescMessage, patch: JsonValue): string[] {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return [];
  return Object.entries(patch).flatMap(([key, value]) => {
    const field = desc.fields.find(({ jsonName, name }) => key === jsonName || key === name);
    if (field === undefined || field.name === 'etag') return [];
    const behaviors = getOption(field, fieldBehavior);
    if (behaviors.includes(FieldBehavior.OUTPUT_ONLY) || behaviors.includes(FieldBehavior.IDENTIFIER)) return [];
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    const goesInto = field.fieldKind === 'message' && !field.message.typeName.startsWith('google.') && isObject;
    if (!goesInto || field.message === undefined) return [field.jsonName];
    return keysOf(field.message, value).map((path) => `${field.jsonName}.${path}`);
  });
}

export function isSame(desc: DescMessage, a: Message, b: Message | undefined): boolean {
  return b !== undefined && (equals(desc, a, b) || Buffer.compare(toBinary(desc, a), toBinary(desc, b)) === 0); // NaN is no NaN
}
