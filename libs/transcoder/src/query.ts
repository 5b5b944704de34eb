import { type DescField, type JsonObject, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { status as Status } from '@grpc/grpc-js';
import { invalidFields, RpcError } from '@rollcall/grpc';
import type { Binding } from './binding.ts';
import { findFieldPath, jsonPath, setAtPath } from './field-path.ts';

/** The most parameters that a query may have. */
export const maxQueryParameters = 2000;

/** The path and the query of a request target. Only the first question mark divides them. */
export function splitTarget(target: string): [path: string, query: string] {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** The names and values of a query string, decoded. @throws RpcError INVALID_ARGUMENT */
export function parseQuery(query: string): [name: string, value: string][] {
  if (query === '') return [];
  const pairs = query.split('&', maxQueryParameters + 1);
  if (pairs.length > maxQueryParameters) {
    throw new RpcError(
      Status.INVALID_ARGUMENT,
      'MALFORMED_REQUEST',
      `The query has more than ${maxQueryParameters} parameters.`,
    );
  }
  return pairs
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const name = equals < 0 ? pair : pair.slice(0, equals);
      return [decode(name, name), equals < 0 ? '' : decode(pair.slice(equals + 1), name)];
    });
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidFields([{ field: name, description: 'is not percent-encoded UTF-8', reason: 'encoding' }]);
  }
}

/**
 * Puts query parameters into a request. Each names a field that neither the path nor the body binds; a list field
 * takes a parameter for each element.
 *
 * @throws RpcError INVALID_ARGUMENT, naming each parameter that is no such field
 */
export function bindQuery(binding: Binding, parameters: readonly [string, string][], request: JsonObject): void {
  const violations = [];
  const lists = new Map<string, JsonValue[]>();
  const seen = new Set<string>();
  for (const [name, value] of parameters) {
    const path =
      binding.body === 'request' && !binding.method.requestStream
        ? undefined
        : findFieldPath(binding.method.input, name);
    const field = path?.at(-1);
    const bound =
      field === undefined ||
      path?.[0] === binding.body ||
      binding.pathFields.some((known) => jsonPath(known.path) === jsonPath(path ?? []));
    if (path === undefined || field === undefined || bound || !fitsQuery(field)) {
      violations.push({ field: name, description: 'is not a parameter of this method', reason: 'unknown_field' });
      continue;
    }
    const key = jsonPath(path);
    if (field.fieldKind === 'list') {
      const list = lists.get(key) ?? [];
      list.push(wordValue(field, value));
      lists.set(key, list);
      setAtPath(request, path, list);
    } else if (seen.has(key)) {
      violations.push({ field: name, description: 'is given more than once', reason: 'duplicate_field' });
    } else {
      seen.add(key);
      setAtPath(request, path, wordValue(field, value));
    }
  }
  if (violations.length > 0) throw invalidFields(violations);
}

/** Whether a value of the field fits a parameter: a message does when JSON writes it as a string. */
export function fitsQuery(field: DescField): boolean {
  if (field.fieldKind === 'map') return false;
  if (field.fieldKind === 'list' && field.listKind !== 'message') return true;
  return field.message === undefined || wordMessages.test(field.message.typeName);
}

const wordMessages =
  /^google\.protobuf\.(Timestamp|Duration|FieldMask|(Bool|Bytes|Double|Float|String|U?Int(32|64))Value)$/;

/** The JSON value that a word of a path or a query stands for. What does not fit the field is left as it is, and refused with the rest. */
export function wordValue(field: DescField, text: string): JsonValue {
  const isBool = field.scalar === ScalarType.BOOL || field.message?.typeName === 'google.protobuf.BoolValue';
  if (isBool && (text === 'true' || text === 'false')) return text === 'true';
  if (field.enum !== undefined && /^-?\d{1,10}$/.test(text)) return Number(text);
  return text;
}
