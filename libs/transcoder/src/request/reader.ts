import { create, type DescMessage, type Message, type Registry, ScalarType } from '@bufbuild/protobuf';
import { status as Status } from '@grpc/grpc-js';
import { type FieldViolation, invalidFields, RpcError } from '@rollcall/grpc';
import {
  isJsonMembers,
  type Json,
  type JsonMembers,
  ProtoJsonError,
  readEnum,
  readProtoJson,
  readScalar,
  validate,
  type Binding,
  camelCase,
  type FieldPath,
  findField,
  getAtPath,
  jsonPath,
  putAtPath,
  variableValue,
} from '@rollcall/contract';
import { JsonTextError, parseJson } from './json-text.ts';
import { maskOfMergePatch } from './merge-patch.ts';
import { bindQuery } from './query.ts';
import type { Document } from './body.ts';
import type { Conventions } from '../conventions/aip.ts';
import { readWord } from './scalar-words.ts';

/** The parts of an HTTP request that a message is made of, beside the body. */
export interface RequestParts {
  /** The segments of the path that the template's variables take. */
  readonly segments: readonly string[];
  readonly query: readonly [name: string, value: string][];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The etag that the resource must have for a write to be made; see `etagsToWrite`. */
  readonly etag?: string | undefined;
}

/** Makes the request messages of one binding. */
export class RequestReader {
  readonly #binding: Binding;
  readonly #conventions: Conventions;
  readonly #registry: Registry;

  constructor(binding: Binding, conventions: Conventions, registry: Registry) {
    this.#binding = binding;
    this.#conventions = conventions;
    this.#registry = registry;
  }

  /**
   * Makes one request: of the path, the query, the headers and a body.
   *
   * @param body undefined where there is none
   * @param what what the body is called in errors: `The body`, `Line 3`
   * @throws RpcError INVALID_ARGUMENT, naming the fields
   */
  read(parts: RequestParts, body: Uint8Array | undefined, what: string): Message {
    const request = this.#bodyJson(body, what);
    this.#bindPath(parts, request);
    bindQuery(this.#binding, parts.query, request);
    this.#bindPatch(request);
    const borne = this.#bindHeaders(parts, request);
    return this.#message(request, what, borne);
  }

  /**
   * Makes the requests of a stream, one of each document. The path, the query and the headers go into the first.
   *
   * @throws RpcError INVALID_ARGUMENT, naming the document and the fields
   */
  async *readStream(parts: RequestParts, documents: AsyncIterable<Document>): AsyncGenerator<Message> {
    let first = true;
    for await (const { bytes, what } of documents) {
      yield first ? this.read(parts, bytes, what) : this.#message(this.#bodyJson(bytes, what), what, []);
      first = false;
    }
  }

  #bodyJson(bytes: Uint8Array | undefined, what: string): JsonMembers {
    const { body, method, shortBody } = this.#binding;
    if (body === 'nothing' || bytes === undefined) return {};
    const json = parsed(bytes, what);
    if (body !== 'request') {
      if (isObjectMessage(body.message) && body.fieldKind === 'message' && !isJsonMembers(json)) throw noObject(what);
      return { [body.jsonName]: json };
    }
    if (!isJsonMembers(json)) throw noObject(what);
    const short = shortBody?.message;
    if (shortBody === undefined || short === undefined || knownKeys(short, json) <= knownKeys(method.input, json))
      return json;
    return { [shortBody.jsonName]: json };
  }

  /** Fields that the path names are those of the body, and do not change. */
  #bindPatch(request: JsonMembers): void {
    const { body, pathFields } = this.#binding;
    const { updateMask } = this.#conventions;
    if (updateMask === undefined || typeof body !== 'object' || body.message === undefined) return;
    const patch = request[body.jsonName];
    if (!isJsonMembers(patch)) return;
    const named = new Set(
      pathFields.map(({ path }) =>
        path
          .slice(1)
          .map(({ name }) => name)
          .join('.'),
      ),
    );
    const mask = maskOfMergePatch(body.message, patch).filter((path) => !named.has(path));
    request[updateMask.jsonName] ??= mask.map(camelCase).join(',');
  }

  #bindPath({ segments }: RequestParts, request: JsonMembers): void {
    for (const { variable, path } of this.#binding.pathFields) {
      const name = jsonPath(path);
      const field = path.at(-1);
      if (field === undefined) continue;
      let text: string;
      try {
        text = variableValue(variable, segments);
      } catch {
        throw invalidFields([{ field: name, description: 'is not percent-encoded UTF-8', reason: 'encoding' }]);
      }
      const word = readWord(field, text);
      if (word.fault !== undefined)
        throw invalidFields([{ field: name, description: word.fault, reason: 'wrong_type' }]);
      bindOnce(request, path, word.value, name, `is "${text}" in the path and something else in the body`);
    }
  }

  /** @returns the headers that became fields */
  #bindHeaders({ headers, etag }: RequestParts, request: JsonMembers): Borne[] {
    const { requestId, ifMatch } = this.#conventions;
    const { resumeField } = this.#binding;
    const borne: Borne[] = [];
    const bind = (header: string, path: FieldPath, text: string): void => {
      const field = path.at(-1);
      const word = field === undefined ? { fault: 'names no field' } : readWord(field, text);
      if (word.fault !== undefined)
        throw invalidFields([{ field: header, description: word.fault, reason: 'wrong_type' }]);
      bindOnce(request, path, word.value, header, `is something else than ${jsonPath(path)}`);
      borne.push({ header, field: path.map(({ name }) => name).join('.') });
    };
    const key = headers['idempotency-key'];
    if (requestId !== undefined && typeof key === 'string' && key !== '') bind('Idempotency-Key', requestId, key);
    if (ifMatch !== undefined && etag !== undefined) bind('If-Match', ifMatch, etag);
    const lastEventId = headers['last-event-id'];
    if (resumeField !== undefined && typeof lastEventId === 'string' && lastEventId !== '') {
      // A stream that is taken up again has the address of the first try, and knows better by now.
      request[resumeField.jsonName] = null;
      if (resumeField.name !== resumeField.jsonName) delete request[resumeField.name];
      bind('Last-Event-ID', [resumeField], lastEventId);
    }
    return borne;
  }

  #message(json: JsonMembers, what: string, borne: readonly Borne[]): Message {
    const { input } = this.#binding.method;
    let message: Message;
    try {
      message = Object.keys(json).length === 0 ? create(input) : readProtoJson(input, json, this.#registry);
    } catch (error) {
      if (!(error instanceof ProtoJsonError)) throw error;
      throw withPlace(invalidFields(error.fields), what);
    }
    const violations = validate(input, message);
    if (violations.length > 0) {
      throw withPlace(
        invalidFields(
          violations.map(({ field, description, rule }): FieldViolation => {
            const header = borne.find((one) => one.field === field)?.header;
            return { field: header ?? camelCase(field), description, reason: rule };
          }),
        ),
        what,
      );
    }
    return message;
  }
}

/** A header that became a field. */
interface Borne {
  readonly header: string;
  /** The path of the field, in proto names. */
  readonly field: string;
}

/**
 * Puts a value into a request that may hold it already: then both have to agree.
 *
 * @param source what it is called in errors
 * @throws RpcError INVALID_ARGUMENT
 */
function bindOnce(request: JsonMembers, path: FieldPath, value: Json, source: string, otherwise: string): void {
  const before = getAtPath(request, path) ?? null;
  const field = path.at(-1);
  if (before === null || field === undefined) return putAtPath(request, path, value);
  const read = (json: Json): unknown =>
    field.enum === undefined ? readScalar(field.scalar ?? ScalarType.STRING, json) : readEnum(field.enum, json);
  const known = read(before);
  if (known === undefined || known !== read(value))
    throw invalidFields([{ field: source, description: otherwise, reason: 'contradiction' }]);
}

/** Whether JSON writes a message as an object, and not in a form of its own. */
function isObjectMessage(desc: DescMessage | undefined): boolean {
  return desc !== undefined && !desc.typeName.startsWith('google.protobuf.');
}

function noObject(what: string): RpcError {
  return new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', `${what} is no JSON object.`);
}

function parsed(bytes: Uint8Array, what: string): Json {
  try {
    return parseJson(bytes);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    const form = what.startsWith('Line ') ? ' A body has a message a line, or is an array of messages.' : '';
    throw new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', `${what} ${error.message}.${form}`);
  }
}

/** How many keys of an object are fields of a message. */
function knownKeys(desc: DescMessage, json: JsonMembers): number {
  return Object.keys(json).filter((key) => findField(desc, key) !== undefined).length;
}

/** Where requests are many, the error says which one it is. */
function withPlace(error: RpcError, what: string): RpcError {
  if (what === wholeBody) return error;
  return new RpcError(error.code, 'INVALID_FIELD', `${what}: ${error.message}`, error.details);
}

/** What the body of a call with one request is called in errors. */
export const wholeBody = 'The body';
