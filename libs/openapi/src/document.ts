import { createRegistry, type DescEnum, type DescService, type JsonObject } from '@bufbuild/protobuf';
import { type Contract, type Binding, bindingsOf } from '@rollcall/contract';
import { Bodies, responseHeaders } from './bodies.ts';
import { commentOf } from './writing/comments.ts';
import { errorSchemaNames, errorSchemas } from './errors/schemas.ts';
import { ErrorResponses } from './errors/responses.ts';
import { Examples } from './examples/examples.ts';
import { compact } from './writing/json.ts';
import { ComponentNames, reachedFrom } from './writing/names.ts';
import { operationOf, type OperationParts } from './operations.ts';
import { headerParameters } from './parameters.ts';
import { documentPath } from './paths.ts';
import { type CredentialPlaces, type DescribeAccess, Security } from './security.ts';
import { Schemas } from './schemas/schemas.ts';
import { conventionsOf } from '@rollcall/transcoder';

/** What the document says of itself. */
export interface DocumentInfo {
  readonly title: string;
  readonly version: string;
  /** Markdown. What all operations have in common is added to it. */
  readonly description?: string;
  /** How the app takes credentials, beside the Authorization header. */
  readonly credentials?: CredentialPlaces;
  /** Who may call each method; by default the document says nothing of it. */
  readonly access?: DescribeAccess;
  /** The enum of the reasons that errors have: its values are listed, with their comments. Without it none are. */
  readonly reasons?: DescEnum;
}

/** The verbs that a path item has room for. */
const itemVerbs = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);
/** What a binding for every verb is described under. */
const everyVerb = ['get', 'put', 'post', 'delete', 'patch'];

/**
 * Describes the REST side of services as an OpenAPI 3.1 document: every binding of every method, made from the table
 * that the routes are made from. The same contract gives the same document, byte for byte.
 *
 * @param contracts where the services are looked up, the first that has one counts
 * @param services full names of services, in the order of the document
 * @throws Error when there is no such service, or two bindings have the same verb and path
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export function openApiDocument(
  contracts: readonly Contract[],
  services: readonly string[],
  info: DocumentInfo,
): JsonObject {
  const served = services.map((name) => findService(contracts, name));
  const reached = reachedFrom(served.flatMap(({ desc }) => desc.methods));
  const names = new ComponentNames(reached, errorSchemaNames);
  const schemas = new Schemas(names, reached, createRegistry(...contracts.map(({ registry }) => registry)));
  const examples = new Examples(schemas);
  const errors = new ErrorResponses();
  const security = new Security(info.credentials ?? {}, info.access ?? (() => undefined));
  for (const [name, schema] of Object.entries(errorSchemas(info.reasons))) schemas.add(name, schema);
  const parts: OperationParts = { schemas, examples, bodies: new Bodies(schemas, examples), errors, security };

  const paths = new Paths();
  const tags = served.map(({ desc, bindings }) => {
    const tag = served.some((other) => other.desc !== desc && other.desc.name === desc.name)
      ? desc.typeName
      : desc.name;
    for (const binding of bindings) addBinding(paths, binding, bindings, tag, parts);
    return compact({ name: tag, description: commentOf(desc) });
  });
  const written = paths.written();
  const responses = errors.components();
  return {
    openapi: '3.1.1',
    info: compact({
      title: info.title,
      version: info.version,
      description: [info.description ?? '', generalNotes].join('\n\n').trim(),
    }),
    servers: [{ url: '/' }],
    tags,
    paths: written,
    components: compact({
      schemas: schemas.components(),
      responses,
      parameters: onlyUsed('parameters', headerParameters, [written]),
      headers: onlyUsed('headers', responseHeaders, [written, responses]),
      securitySchemes: security.schemes(),
    }),
  };
}

const generalNotes = `- Keys are in lowerCamelCase; requests may use the names of the proto too. Default values are written out; a message, or an optional field, that is not set is left out.
- Numbers of 64 bits are strings, as JavaScript cannot hold them. Requests may write them as numbers too.
- A field or a parameter that is not described here is refused.
- An answer that is a stream takes the form that \`Accept\` asks for: \`application/x-ndjson\`, \`text/event-stream\` or \`application/json\`.
- A failure is answered as \`application/problem+json\`: see the schema Problem.
- The same methods are served over gRPC.`;

function findService(contracts: readonly Contract[], name: string): { desc: DescService; bindings: Binding[] } {
  for (const { registry, methods } of contracts) {
    const desc = registry.getService(name);
    if (desc === undefined) continue;
    return { desc, bindings: [...methods.values()].filter((method) => method.service === name).flatMap(bindingsOf) };
  }
  throw new Error(`no contract has the service ${name}`);
}

function addBinding(
  paths: Paths,
  binding: Binding,
  siblings: readonly Binding[],
  tag: string,
  parts: OperationParts,
): void {
  const { method, verb, template } = binding;
  const conventions = conventionsOf(binding, siblings);
  const { path, key, names } = documentPath(binding);
  const item = paths.item(path, key, names);
  const nth = siblings.filter((other) => other.method === method).indexOf(binding) + 1;
  const verbs = verb === '*' ? everyVerb : [verb.toLowerCase()];
  for (const word of verbs) {
    const operationId = [tag, method.name, nth > 1 ? String(nth) : '', verbs.length > 1 ? word : '']
      .filter((part) => part !== '')
      .join('.');
    const known = itemVerbs.has(word) ? word : `x-verb-${word}`; // OpenAPI 3.1 has no other verbs
    if (item.operations[known] !== undefined) throw new Error(`two bindings for ${verb} ${template.source}`);
    item.operations[known] = operationOf({ binding, conventions, operationId, tag, pathNames: item.names }, parts);
  }
}

interface PathItem {
  readonly path: string;
  readonly names: readonly string[];
  readonly operations: JsonObject;
}

/** Path items. Paths that differ only in the names of their parameters share one, with the names of the first. */
class Paths {
  readonly #items = new Map<string, PathItem>();

  item(path: string, key: string, names: readonly string[]): PathItem {
    const item = this.#items.get(key) ?? { path, names, operations: {} };
    this.#items.set(key, item);
    return item;
  }

  written(): JsonObject {
    return Object.fromEntries([...this.#items.values()].map(({ path, operations }) => [path, operations]));
  }
}

function onlyUsed(
  kind: string,
  components: Readonly<Record<string, JsonObject>>,
  users: readonly JsonObject[],
): JsonObject {
  const written = JSON.stringify(users);
  return Object.fromEntries(
    Object.entries(components).filter(([name]) => written.includes(`"#/components/${kind}/${name}"`)),
  );
}
