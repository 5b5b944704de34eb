import {
  create,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
} from '@bufbuild/protobuf';
import { status as Status } from '@grpc/grpc-js';
import { invalidFields, RpcError } from '@rollcall/grpc';
import { validate } from '@rollcall/proto';
import type { Binding } from './binding.ts';
import { camelCase, findField, getAtPath, isJsonObject, jsonPath, setAtPath } from './field-path.ts';
import { unreadableFields } from './field-errors.ts';
import { JsonTextError, parseJson } from './json-text.ts';
import { maskOfMergePatch } from './merge-patch.ts';
import { variableValue } from './path-template.ts';
import { bindQuery, wordValue } from './query.ts';
import { type Manners, textOf } from './rest-manners.ts';

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
  readonly #manners: Manners;
  readonly #registry: Registry;

  constructor(binding: Binding, manners: Manners, registry: Registry) {
    this.#binding = binding;
    this.#manners = manners;
    this.#registry = registry;
  }

  /**
   * Makes the one request, or the first of a stream: of the path, the query, the headers and a body.
   *
   * @param body undefined where there is none
   * @param what what the body is called in errors: `The body`, `Line 3`
   * @throws RpcError INVALID_ARGUMENT, naming the fields
   */
  read(parts: RequestParts, body: Uint8Array | undefined, what: string): Message {
    const request = this.#bodyJson(body, what);
    this.#bindPatch(request);
    this.#bindPath(parts, request);
    bindQuery(this.#binding, parts.query, request);
    this.#bindHeaders(parts, request);
    return this.#message(request, what);
  }

  /** Makes a further request of a stream. @throws RpcError INVALID_ARGUMENT, naming the fields */
  readNext(body: Uint8Array, what: string): Message {
    return this.#message(this.#bodyJson(body, what), what);
  }

  #bodyJson(bytes: Uint8Array | undefined, what: string): JsonObject {
    const { body, method } = this.#binding;
    if (body === 'nothing' || bytes === undefined) return {};
    const desc = (body === 'request' ? method.input : body.message) ?? method.input;
    const json = parsed(bytes, desc, what);
    if (body !== 'request') return { [body.jsonName]: json };
    if (!isJsonObject(json))
      throw new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', `${what} is no JSON object.`);
    const { shortBody } = this.#binding;
    const short = shortBody?.message;
    if (shortBody === undefined || short === undefined || knownKeys(short, json) <= knownKeys(desc, json)) return json;
    return { [shortBody.jsonName]: parsed(bytes, short, what) }; // with the digits of its own numbers
  }

  #bindPatch(request: JsonObject): void {
    const { body } = this.#binding;
    const { updateMask } = this.#manners;
    if (updateMask === undefined || typeof body !== 'object' || body.message === undefined) return;
    const patch = request[body.jsonName];
    if (!isJsonObject(patch)) return; // it is refused when the message is read
    request[updateMask.jsonName] = maskOfMergePatch(body.message, patch).map(camelCase).join(',');
  }

  #bindPath({ segments }: RequestParts, request: JsonObject): void {
    for (const { variable, path } of this.#binding.pathFields) {
      const name = jsonPath(path);
      let value: string;
      try {
        value = variableValue(variable, segments);
      } catch {
        throw invalidFields([{ field: name, description: 'is not percent-encoded UTF-8', reason: 'encoding' }]);
      }
      const inBody = getAtPath(request, path);
      if (inBody !== undefined && textOf(inBody) !== value) {
        throw invalidFields([
          {
            field: name,
            description: `is "${value}" in the path and something else in the body`,
            reason: 'contradiction',
          },
        ]);
      }
      const field = path.at(-1);
      if (field !== undefined) setAtPath(request, path, wordValue(field, value));
    }
  }

  #bindHeaders({ headers, etag }: RequestParts, request: JsonObject): void {
    const { requestId, ifMatch } = this.#manners;
    const { resumeField } = this.#binding;
    const key = headers['idempotency-key'];
    if (requestId !== undefined && typeof key === 'string' && key !== '') setAtPath(request, requestId, key);
    if (ifMatch !== undefined && etag !== undefined) {
      const inBody = textOf(getAtPath(request, ifMatch));
      if (inBody !== '' && inBody !== etag)
        throw invalidFields([
          {
            field: jsonPath(ifMatch),
            description: 'is one thing in If-Match and another in the request',
            reason: 'contradiction',
          },
        ]);
      setAtPath(request, ifMatch, etag);
    }
    const lastEventId = headers['last-event-id'];
    if (resumeField !== undefined && typeof lastEventId === 'string' && lastEventId !== '')
      setAtPath(request, [resumeField], lastEventId);
  }

  #message(json: JsonObject, what: string): Message {
    const { input } = this.#binding.method;
    let message: Message;
    try {
      message = Object.keys(json).length === 0 ? create(input) : fromJson(input, json, { registry: this.#registry });
    } catch (cause) {
      const violations = unreadableFields(input, json, this.#registry);
      if (violations.length > 0) throw withPlace(invalidFields(violations), what);
      throw new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', `${what} cannot be read as ${input.typeName}.`, {
        cause,
      });
    }
    const violations = validate(input, message);
    if (violations.length > 0) {
      throw withPlace(
        invalidFields(violations.map(({ field, description, rule }) => ({ field, description, reason: rule }))),
        what,
      );
    }
    return message;
  }
}

function parsed(bytes: Uint8Array, desc: DescMessage, what: string): JsonValue {
  try {
    return parseJson(bytes, desc);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', `${what} ${error.message}.`);
  }
}

/** How many keys of an object are fields of a message. */
function knownKeys(desc: DescMessage, json: JsonObject): number {
  return Object.keys(json).filter((key) => findField(desc, key) !== undefined).length;
}

/** Where requests are many, the error says which one it is. */
function withPlace(error: RpcError, what: string): RpcError {
  if (what === wholeBody) return error;
  return new RpcError(error.code, 'INVALID_FIELD', `${what}: ${error.message}`, error.details);
}

/** What the body of a call with one request is called in errors. */
export const wholeBody = 'The body';
