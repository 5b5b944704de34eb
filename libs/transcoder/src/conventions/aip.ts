import { type DescField, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import {
  type Binding,
  findField,
  type FieldPath,
  getAtPath,
  isJsonObject,
  type PathTemplate,
} from '@rollcall/contract';

/**
 * What REST adds to a method by the names of its fields and its own, after the API Improvement Proposals: idempotency
 * keys (AIP-155), etags (AIP-154), the location of what was created (AIP-133), the next page (AIP-158), and the update
 * mask of a patch (AIP-134).
 */
export interface Conventions {
  /** The request field that takes Idempotency-Key. */
  readonly requestId: FieldPath | undefined;
  /** The request field that takes If-Match. */
  readonly ifMatch: FieldPath | undefined;
  /** The request field that the update mask of a merge patch goes to. */
  readonly updateMask: DescField | undefined;
  /** Whether the answer has an etag. */
  readonly etag: boolean;
  /** Where a created resource is found. */
  readonly location: Location | undefined;
  /** Whether the answer is a page that names the next one. */
  readonly nextPage: boolean;
}

interface Location {
  readonly template: PathTemplate;
  /** For each variable, where its value stands in the resource. */
  readonly fields: readonly FieldPath[];
}

/** @param siblings the bindings of the same service, where the method that gets a created resource is found */
export function conventionsOf(binding: Binding, siblings: readonly Binding[]): Conventions {
  const { method, body, verb } = binding;
  const { input, output } = method;
  const unary = method.kind === 'unary';
  const resource = binding.responseField === undefined ? output : binding.responseField.message;
  const bodyMessage = typeof body === 'object' ? body.message : undefined;
  const requestId = findField(input, 'request_id');
  const updateMask = findField(input, 'update_mask');
  return {
    requestId: method.kind !== 'server_streaming' && requestId !== undefined ? [requestId] : undefined,
    ifMatch: unary && verb !== 'GET' ? etagPath(input, body, bodyMessage) : undefined,
    updateMask:
      verb === 'PATCH' && updateMask?.message?.typeName === 'google.protobuf.FieldMask' && bodyMessage !== undefined
        ? updateMask
        : undefined,
    etag: unary && resource !== undefined && findField(resource, 'etag') !== undefined,
    location:
      unary && verb === 'POST' && method.name.startsWith('Create') && resource !== undefined
        ? locationOf(method.name, resource, siblings)
        : undefined,
    nextPage:
      unary &&
      verb === 'GET' &&
      findField(output, 'next_page_token') !== undefined &&
      findField(input, 'page_token') !== undefined,
  };
}

function etagPath(
  input: DescMessage,
  body: Binding['body'],
  bodyMessage: DescMessage | undefined,
): FieldPath | undefined {
  const own = findField(input, 'etag');
  if (own !== undefined) return [own];
  const inBody = bodyMessage === undefined ? undefined : findField(bodyMessage, 'etag');
  return inBody !== undefined && typeof body === 'object' && input.fields.some((field) => field.name === 'update_mask')
    ? [body, inBody]
    : undefined;
}

function locationOf(name: string, resource: DescMessage, siblings: readonly Binding[]): Location | undefined {
  const getter = siblings.find((other) => other.method.name === name.replace(/^Create/, 'Get') && other.verb === 'GET');
  if (getter === undefined) return undefined;
  const fields = getter.pathFields.map(({ path }) => findField(resource, path.at(-1)?.name ?? ''));
  return fields.includes(undefined)
    ? undefined
    : { template: getter.template, fields: fields.map((field) => [field as DescField]) };
}

/** The path of a created resource. Undefined when a value is missing that the path needs. */
export function locationPath({ template, fields }: Location, resource: JsonValue): string | undefined {
  if (!isJsonObject(resource)) return undefined;
  const segments = template.segments.map((segment) => (typeof segment === 'object' ? segment.literal : segment));
  for (const [index, variable] of [...template.variables.entries()].toReversed()) {
    const value = textOf(getAtPath(resource, fields[index] ?? []));
    if (value === '') return undefined;
    const text = variable.multi ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value);
    segments.splice(variable.start, (variable.end === -1 ? segments.length : variable.end) - variable.start, text);
  }
  return `/${segments.join('/')}${template.verb === '' ? '' : `:${template.verb}`}`;
}

/** A value of a path as text; empty where there is none. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'object' || value === undefined ? '' : String(value);
}

/**
 * The Link header of a page that has a next one.
 *
 * @param url the request target
 * @see https://www.rfc-editor.org/rfc/rfc8288
 */
export function nextPageLink(url: string, page: JsonObject): string | undefined {
  const token = page['nextPageToken'];
  if (typeof token !== 'string' || token === '') return undefined;
  const next = new URL(`http://localhost${url}`);
  next.searchParams.delete('page_token');
  next.searchParams.set('pageToken', token);
  return `<${next.pathname}${next.search}>; rel="next"`;
}
