import type { DescField } from '@bufbuild/protobuf';
import { status as Status } from '@grpc/grpc-js';
import { type FieldViolation, invalidFields, RpcError } from '@rollcall/grpc';
import {
  type Json,
  type JsonMembers,
  type Binding,
  type FieldPath,
  findFieldPath,
  getAtPath,
  jsonPath,
  putAtPath,
} from '@rollcall/contract';
import { readWord } from './scalar-words.ts';

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
 * @throws RpcError INVALID_ARGUMENT, naming each parameter that is no such field, has no such value, or stands in the body too
 */
export function bindQuery(binding: Binding, parameters: readonly [string, string][], request: JsonMembers): void {
  const violations: FieldViolation[] = [];
  const lists = new Map<string, Json[]>();
  const seen = new Set<string>();
  const refuse = (field: string, description: string, reason: string): void => {
    violations.push({ field, description, reason });
  };
  for (const [name, text] of parameters) {
    if (violations.length >= maxViolations) break;
    const path = boundByQuery(binding, name);
    const field = path?.at(-1);
    if (path === undefined || field === undefined) {
      refuse(shown(name), 'is not a parameter of this method', 'unknown_field');
      continue;
    }
    const key = jsonPath(path);
    const list = lists.get(key);
    if (list === undefined && seen.has(key)) {
      refuse(name, 'is given more than once', 'duplicate_field');
      continue;
    }
    if (list === undefined && (getAtPath(request, path) ?? null) !== null) {
      refuse(name, 'stands in the query and in the body', 'contradiction');
      continue;
    }
    seen.add(key);
    const word = readWord(field, text);
    const at = field.fieldKind === 'list' ? `${name}[${list?.length ?? 0}]` : name;
    if (word.fault !== undefined) refuse(at, word.fault, 'wrong_type');
    else if (list !== undefined) list.push(word.value);
    else {
      const value = field.fieldKind === 'list' ? [word.value] : word.value;
      if (Array.isArray(value)) lists.set(key, value);
      putAtPath(request, path, value);
    }
  }
  if (violations.length > 0) throw invalidFields(violations);
}

/** The field that a parameter names, where the query binds it. */
function boundByQuery({ method, body, pathFields }: Binding, name: string): FieldPath | undefined {
  if (body === 'request' && !method.requestStream) return undefined;
  const path = findFieldPath(method.input, name);
  const field = path?.at(-1);
  if (path === undefined || field === undefined || path[0] === body || !fitsQuery(field)) return undefined;
  return pathFields.some((known) => jsonPath(known.path) === jsonPath(path)) ? undefined : path;
}

/** The most violations that one answer lists. */
const maxViolations = 16;

function shown(name: string): string {
  return name.length > 200 ? `${name.slice(0, 200)}…` : name;
}

/** Whether a value of the field fits a parameter: a message does when JSON writes it as a string. */
export function fitsQuery(field: DescField): boolean {
  if (field.fieldKind === 'map') return false;
  if (field.fieldKind === 'list' && field.listKind !== 'message') return true;
  return field.message === undefined || wordMessages.test(field.message.typeName);
}

const wordMessages =
  /^google\.protobuf\.(Timestamp|Duration|FieldMask|(Bool|Bytes|Double|Float|String|U?Int(32|64))Value)$/;
