import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { readContract, validate } from '@rollcall/contract';
import {
  ErrorReasonSchema,
  rollcallContract,
  tutorialUserManagerContract,
  tutorialUserServiceContract,
} from '@rollcall/proto';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describedAccess } from '@rollcall/access';
import { beforeAll, describe, expect, it } from 'vitest';
import { docsAssets, docsContentSecurityPolicy } from '../src/docs-page.ts';
import { openApiDocument } from '../src/document.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const info = { title: 'Rollcall', version: '0.1.0' };
const userService = 'rollcall.user.v1.UserService';
const rollcallServices = [userService, 'rollcall.access.v1.AccessService', 'rollcall.audit.v1.AuditService'];
const rollcallInfo = {
  ...info,
  credentials: { sessionCookie: 'rollcall_session', ticketParameter: 'access_ticket' },
  access: describedAccess,
  reasons: rollcallContract.registry.getEnum(ErrorReasonSchema.typeName),
};
const rollcall = openApiDocument([rollcallContract], rollcallServices, rollcallInfo);

/** The document of the contract in test/proto-openapi, which has what that of Rollcall has not. */
let shelf: JsonObject;
let riddles: JsonObject;

beforeAll(() => {
  const modules = [{ path: 'proto/third_party' }, { path: 'libs/openapi/test/proto-openapi' }];
  const buf = `${root}node_modules/.bin/buf`;
  const image = execFileSync(
    buf,
    ['build', '.', '--config', JSON.stringify({ version: 'v2', modules }), '-o', '-#format=binpb'],
    { cwd: root },
  );
  const contract = readContract(image);
  shelf = openApiDocument([contract], ['test.shelf.v1.Shelves'], info);
  riddles = openApiDocument([contract], ['test.shelf.v1.Riddles'], info);
});

/** What stands in a document under some keys. */
function at(json: JsonValue, ...keys: readonly (string | number)[]): JsonValue {
  return keys.reduce<JsonValue>((value, key) => {
    const next =
      typeof value === 'object' && value !== null ? (value as Record<string | number, JsonValue>)[key] : undefined;
    if (next === undefined) throw new Error(`no ${key} in ${JSON.stringify(value).slice(0, 200)}`);
    return next;
  }, json);
}

const schema = (document: JsonObject, name: string, ...keys: string[]): JsonValue =>
  at(document, 'components', 'schemas', name, ...keys);
const property = (name: string): JsonObject => schema(shelf, 'Everything', 'properties', name) as JsonObject;

interface Operation {
  readonly path: string;
  readonly verb: string;
  readonly operation: JsonObject;
}

function operationsOf(document: JsonObject): Operation[] {
  return Object.entries(document['paths'] as Record<string, JsonObject>).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => ({ path, verb, operation: operation as JsonObject })),
  );
}

/** The parameters of an operation by where they are and what they are called, references followed. */
function parametersOf(document: JsonObject, { operation }: Pick<Operation, 'operation'>): Map<string, JsonObject> {
  const parameters = (operation['parameters'] ?? []) as JsonObject[];
  const followed = parameters.map((parameter) =>
    typeof parameter['$ref'] === 'string'
      ? (at(document, ...parameter['$ref'].slice(2).split('/')) as JsonObject)
      : parameter,
  );
  return new Map(
    followed.map((parameter) => [`${parameter['in'] as string} ${parameter['name'] as string}`, parameter]),
  );
}

const operationAt = (document: JsonObject, path: string, verb: string): { operation: JsonObject } => ({
  operation: at(document, 'paths', path, verb) as JsonObject,
});

/** Every value under a key, wherever it stands, with the pointer to what holds it. */
function everyValue(json: JsonValue, key: string, pointer = ''): { pointer: string; value: JsonValue }[] {
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([name, value]) => {
    const inner = everyValue(value, key, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    return name === key && !Array.isArray(json) ? [{ pointer, value }, ...inner] : inner;
  });
}

/** Checks values against the schemas of a document, strictly. */
function strictAjv(document: JsonObject): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    formats: { uint32: true, uint64: true },
  });
  addFormats.default(ajv);
  ajv.addVocabulary(Object.keys(document));
  return ajv.addSchema(document, 'https://example.com/openapi.json');
}

describe.each([
  ['Rollcall', () => rollcall],
  [
    'the tutorials',
    () =>
      openApiDocument([tutorialUserManagerContract, tutorialUserServiceContract], ['UserManager', 'UserService'], info),
  ],
  ['every kind of field', () => shelf],
])('the document of %s', (_, documentOf) => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(documentOf()));
    expect(result.errors ?? []).toEqual([]);
    expect(validator.version).toBe('3.1');
  });

  it('has only schemas that are strict JSON Schema', () => {
    const ajv = strictAjv(documentOf());
    const inline = everyValue(documentOf(), 'schema').map(({ pointer }) => `${encodeURI(pointer)}/schema`);
    const shared = Object.keys(at(documentOf(), 'components', 'schemas') as JsonObject).map(
      (name) => `/components/schemas/${name}`,
    );
    for (const pointer of [...inline, ...shared]) {
      expect(() => ajv.compile({ $ref: `https://example.com/openapi.json#${pointer}` })).not.toThrow();
    }
  });

  it('has only examples that their schemas take', () => {
    const ajv = strictAjv(documentOf());
    const examples = everyValue(documentOf(), 'example');
    expect(examples.length).toBeGreaterThan(3);
    for (const { pointer, value } of examples) {
      const check = ajv.compile({ $ref: `https://example.com/openapi.json#${encodeURI(pointer)}/schema` });
      expect({ pointer, value, errors: check(value) ? [] : check.errors }).toEqual({ pointer, value, errors: [] });
    }
  });

  it('has an example of every body', () => {
    const bodies = everyValue(documentOf(), 'content').flatMap(({ pointer, value }) =>
      Object.entries(value as Record<string, JsonObject>).map(([type, media]) => ({ pointer, type, media })),
    );
    expect(bodies.length).toBeGreaterThan(3);
    expect(bodies.filter(({ media }) => media['example'] === undefined)).toEqual([]);
  });

  it('names every operation once', () => {
    const names = operationsOf(documentOf()).map(({ operation }) => operation['operationId']);
    expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([]);
  });

  it('declares each parameter of each path, and no other', () => {
    for (const { path, operation } of operationsOf(documentOf())) {
      const declared = [...parametersOf(documentOf(), { operation }).keys()].filter((name) => name.startsWith('path '));
      expect(declared).toEqual([...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => `path ${name}`));
    }
  });

  it('has the components that it refers to, and no others', () => {
    const used = new Set(everyValue(documentOf(), '$ref').map(({ value }) => value as string));
    const there = Object.entries(at(documentOf(), 'components') as Record<string, JsonObject>).flatMap(
      ([kind, components]) => Object.keys(components).map((name) => `#/components/${kind}/${name}`),
    );
    const security = everyValue(documentOf(), 'security').flatMap(({ value }) =>
      (value as JsonObject[]).flatMap((way) => Object.keys(way)),
    );
    for (const name of security) used.add(`#/components/securitySchemes/${name}`);
    expect(there.filter((pointer) => !used.has(pointer))).toEqual([]);
    expect([...used].filter((pointer) => !there.includes(pointer))).toEqual([]);
  });
});

describe('the document of Rollcall', () => {
  it('equals the golden file', () => {
    const golden = new URL('golden/openapi.json', import.meta.url);
    const text = `${JSON.stringify(rollcall, null, 2)}\n`;
    if (process.env['UPDATE_GOLDEN'] === '1') {
      mkdirSync(new URL('golden/', import.meta.url), { recursive: true });
      writeFileSync(golden, text);
    }
    expect(text).toBe(readFileSync(golden, 'utf8'));
  });

  it('is the same each time', () => {
    expect(JSON.stringify(openApiDocument([rollcallContract], rollcallServices, rollcallInfo))).toBe(
      JSON.stringify(rollcall),
    );
  });

  it('describes every method under its verb and path', () => {
    const described = operationsOf(rollcall).map(
      ({ path, verb, operation }) => `${operation['operationId'] as string}: ${verb.toUpperCase()} ${path}`,
    );
    const methods = [...rollcallContract.methods.values()].filter(({ service }) => rollcallServices.includes(service));
    const names: Readonly<Record<string, string>> = { '{user.id}': '{id}', '{user_id}': '{userId}' };
    expect(described.toSorted()).toEqual(
      methods
        .flatMap(({ service, name, http }) =>
          http.map(({ verb, template }, index) => {
            const path = template.replace(/\{[^}]+\}/, (variable) => names[variable] ?? variable);
            const operation = `${service.split('.').at(-1)}.${name}${index === 0 ? '' : `.${index + 1}`}`;
            return `${operation}: ${verb} ${path}`;
          }),
        )
        .toSorted(),
    );
  });

  it('has request examples that the rules of the contract take', () => {
    for (const { input, name, http } of [...rollcallContract.methods.values()].filter(
      ({ service, requestStream }) => service === userService && !requestStream,
    )) {
      const [binding] = http;
      if (binding === undefined || binding.body === '' || name === 'UndeleteUser') continue; // its id is in the path
      const path = binding.template.replace('{user.id}', '{id}');
      const body = at(
        rollcall,
        'paths',
        path,
        binding.verb.toLowerCase(),
        'requestBody',
        'content',
        'application/json',
        'example',
      );
      const request = fromJson(input, { [binding.body]: body });
      expect({ name, violations: validate(input, request) }).toEqual({ name, violations: [] });
    }
  });

  it('answers a creation with 201, the location and the etag', () => {
    const { responses } = operationAt(rollcall, '/v1/users', 'post').operation;
    expect(Object.keys(responses as JsonObject)).toContain('201');
    expect(Object.keys(responses as JsonObject)).not.toContain('200');
    expect(Object.keys(at(responses as JsonObject, '201', 'headers') as JsonObject)).toEqual(['ETag', 'Location']);
  });

  it('links the next page of a list', () => {
    expect(at(rollcall, 'paths', '/v1/users', 'get', 'responses', '200', 'headers')).toEqual({
      Link: { $ref: '#/components/headers/Link' },
    });
  });

  it.each([
    ['/v1/users', 'post', 'Idempotency-Key'],
    ['/v1/users/{id}', 'patch', 'If-Match'],
    ['/v1/users/{id}', 'delete', 'If-Match'],
    ['/v1/users/{id}:undelete', 'post', 'If-Match'],
    ['/v1/users/{id}', 'get', 'If-None-Match'],
    ['/v1/users:export', 'get', 'Last-Event-ID'],
    ['/v1/users:watch', 'get', 'Last-Event-ID'],
  ])('lets %s %s take %s beside the headers that all take', (path, verb, header) => {
    const headers = [...parametersOf(rollcall, operationAt(rollcall, path, verb)).keys()].filter((name) =>
      name.startsWith('header '),
    );
    expect(headers).toEqual([`header ${header}`, 'header Grpc-Timeout', 'header X-Request-Id']);
  });

  it('answers 304 where If-None-Match is taken, and 412 where If-Match is', () => {
    for (const one of operationsOf(rollcall)) {
      const parameters = parametersOf(rollcall, one);
      const statuses = Object.keys(one.operation['responses'] as JsonObject);
      expect([one.path, statuses.includes('304')]).toEqual([one.path, parameters.has('header If-None-Match')]);
      expect([one.path, statuses.includes('412')]).toEqual([one.path, parameters.has('header If-Match')]);
    }
  });

  it('tells each error in the words of the method, under its HTTP status', () => {
    expect(at(rollcall, 'paths', '/v1/users/{id}', 'get', 'responses', '404', 'description')).toBe(
      '`NOT_FOUND` when no user has this id.',
    );
    expect(at(rollcall, 'paths', '/v1/users/{id}:undelete', 'post', 'responses', '400', 'description')).toContain(
      '`FAILED_PRECONDITION` when the user is not deleted.',
    );
    expect(at(rollcall, 'paths', '/v1/users:watch', 'get', 'responses', '400', 'description')).toContain(
      '`OUT_OF_RANGE` when the resume token is too old: start over with a snapshot.',
    );
    expect(at(rollcall, 'paths', '/v1/users/{id}', 'patch', 'responses', '409', 'description')).toBe(
      '`ALREADY_EXISTS` when the email address is taken.',
    );
  });

  it('offers the three forms of a response stream, each with the item that the rule names', () => {
    const content = at(rollcall, 'paths', '/v1/users:export', 'get', 'responses', '200', 'content') as JsonObject;
    expect(Object.keys(content)).toEqual(['application/x-ndjson', 'text/event-stream', 'application/json']);
    expect(at(content, 'application/x-ndjson', 'schema')).toEqual({ $ref: '#/components/schemas/User' });
    expect(at(content, 'application/json', 'schema')).toEqual({
      type: 'array',
      items: { $ref: '#/components/schemas/User' },
    });
    expect(at(content, 'text/event-stream', 'example')).toMatch(
      /^id: 1\ndata: \{"id":"1",.*\}\n\nevent: end\ndata: \{\}\n\n$/,
    );
  });

  it('takes a request stream as lines or as an array', () => {
    const content = at(rollcall, 'paths', '/v1/users:lookup', 'post', 'requestBody', 'content') as JsonObject;
    expect(at(content, 'application/x-ndjson', 'schema')).toEqual({ $ref: '#/components/schemas/LookupUsersRequest' });
    expect(at(content, 'application/json', 'schema')).toEqual({
      type: 'array',
      items: { $ref: '#/components/schemas/LookupUsersRequest' },
    });
  });

  it('takes the options of a request stream as parameters, for its first message', () => {
    const parameters = parametersOf(rollcall, operationAt(rollcall, '/v1/users:import', 'post'));
    expect([...parameters.keys()].filter((name) => name.startsWith('query '))).toEqual([
      'query dryRun',
      'query onConflict',
      'query afterRow',
      'query requestId',
    ]);
    expect(parameters.has('header Idempotency-Key')).toBe(true);
  });

  it('takes a patch in which every field may be left out, and null where there is something to clear', () => {
    const patch = schema(rollcall, 'UserPatch') as JsonObject;
    // A user can be sent as it was got: what the service sets is ignored. The id stands in the path.
    const names = 'name email age type createTime updateTime deleteTime purgeTime etag';
    expect(Object.keys(patch['properties'] as JsonObject).join(' ')).toBe(names);
    expect(patch['required']).toBeUndefined();
    const check = strictAjv(rollcall).compile({
      $ref: 'https://example.com/openapi.json#/components/schemas/UserPatch',
    });
    expect(
      [{}, { age: null }, { email: null }, { type: null }, { email: '' }, { type: 'USER_TYPE_GUEST' }].filter(
        (body) => !check(body),
      ),
    ).toEqual([]);
    expect(
      [{ name: null }, { age: 151 }, { email: 'x' }, { type: 'GUEST' }, { nickname: 'x' }].filter((body) =>
        check(body),
      ),
    ).toEqual([]);
    expect(
      [...parametersOf(rollcall, operationAt(rollcall, '/v1/users/{id}', 'patch')).keys()].some((name) =>
        name.includes('Mask'),
      ),
    ).toBe(false);
  });

  it('writes names of fields as JSON has them', () => {
    expect(at(rollcall, 'paths', '/v1/users/{id}', 'get', 'description')).toContain('with `deleteTime` set');
  });

  it('lists the reasons of errors with what they mean', () => {
    const reasons = schema(rollcall, 'ErrorReason') as JsonObject;
    expect(reasons['enum']).toContain('EMAIL_TAKEN');
    expect(reasons['description']).toContain('- `USER_NOT_FOUND`: No user has this id, name or email.');
    expect(reasons['enum']).not.toContain('UNSPECIFIED');
  });

  it('refuses a service that no contract has', () => {
    expect(() => openApiDocument([rollcallContract], ['rollcall.Nothing'], info)).toThrow(
      'no contract has the service rollcall.Nothing',
    );
  });
});

describe('a method without a rule', () => {
  it('is reached at its gRPC path, with the whole request as the body', () => {
    const document = openApiDocument([tutorialUserManagerContract], ['UserManager'], info);
    expect(
      at(document, 'paths', '/UserManager/AddUser', 'post', 'requestBody', 'content', 'application/json', 'schema'),
    ).toEqual({ $ref: '#/components/schemas/User' });
    expect(
      at(
        document,
        'paths',
        '/UserManager/AddUser',
        'post',
        'responses',
        '200',
        'content',
        'application/json',
        'schema',
      ),
    ).toEqual({ $ref: '#/components/schemas/UserResponse' });
  });
});

describe('names', () => {
  it('are full where two messages or services share the short one', () => {
    const document = openApiDocument(
      [rollcallContract, tutorialUserManagerContract, tutorialUserServiceContract],
      [userService, 'UserManager', 'UserService'],
      info,
    );
    const schemas = Object.keys(at(document, 'components', 'schemas') as JsonObject);
    expect(schemas).toEqual(
      expect.arrayContaining(['rollcall.user.v1.User', 'rollcall.user.v1.UserPatch', 'User', 'User_2', 'LookupResult']),
    );
    expect((document['tags'] as JsonObject[]).map(({ name }) => name)).toEqual([
      'rollcall.user.v1.UserService',
      'UserManager',
      'UserService',
    ]);
  });
});

describe('paths', () => {
  it('have a parameter for each wildcard of a variable, with the pattern in its description', () => {
    const parameters = parametersOf(shelf, operationAt(shelf, '/v1/shelves/{name.shelves}/books/{name.books}', 'get'));
    expect(parameters.get('path name.books')?.['description']).toBe(
      'The segment of `name` for the `*` in `shelves/*/books/*`. The name of the book.',
    );
  });

  it('say where a parameter may hold slashes', () => {
    const parameters = parametersOf(shelf, operationAt(shelf, '/v1/files/files/{name}', 'get'));
    expect(parameters.get('path name')?.['description']).toContain('several segments, with their slashes');
  });

  it('are one where they differ in the names of their parameters alone', () => {
    const item = at(shelf, 'paths', '/v1/books/{name}') as JsonObject;
    expect(Object.keys(item)).toEqual(['get', 'put', 'patch']);
    expect(Object.keys(at(shelf, 'paths') as JsonObject)).not.toContain('/v1/books/{book.bookName}');
  });

  it('number the operations of additional bindings', () => {
    expect(operationsOf(shelf).map(({ operation }) => operation['operationId'])).toEqual(
      expect.arrayContaining(['Shelves.GetBook', 'Shelves.GetBook.2', 'Shelves.GetBook.3']),
    );
  });

  it('answer every verb where the rule says so', () => {
    expect(Object.keys(at(shelf, 'paths', '/v1/{segment2}/look') as JsonObject)).toEqual([
      'get',
      'put',
      'post',
      'delete',
      'patch',
    ]);
    expect(at(shelf, 'paths', '/v1/{segment2}/look', 'get', 'deprecated')).toBe(true);
  });

  it('keep verbs that OpenAPI has no word for', () => {
    expect(at(shelf, 'paths', '/v1/look', 'x-verb-subscribe', 'operationId')).toBe('Shelves.Look.2');
  });
});

describe('query parameters', () => {
  it('reach into messages, take well-known messages as text, and leave out what no parameter can hold', () => {
    const parameters = parametersOf(shelf, operationAt(shelf, '/v1/kinds', 'get'));
    expect([...parameters.keys()].filter((name) => name.startsWith('query '))).toEqual([
      'query place.column',
      'query since',
      'query limit',
    ]);
    expect(parameters.get('query since')?.['schema']).toEqual({ type: 'string', format: 'date-time' });
    expect(parameters.get('query limit')?.['schema']).toEqual({ type: 'integer', format: 'int32' });
  });
});

describe('bodies', () => {
  it('need not hold what the path holds', () => {
    expect(
      at(shelf, 'paths', '/v1/books/{name}', 'put', 'requestBody', 'content', 'application/json', 'schema'),
    ).toEqual({ $ref: '#/components/schemas/BookBody' });
    expect(Object.keys(schema(shelf, 'BookBody', 'properties') as JsonObject)).not.toContain('bookName');
    expect(schema(shelf, 'Book', 'required')).toEqual(['bookName']);
  });

  it('are patched inside of messages, and replaced in lists', () => {
    expect(schema(shelf, 'BookPatch', 'properties', 'place', 'anyOf', '0')).toEqual({
      $ref: '#/components/schemas/PlacePatch',
    });
    expect(schema(shelf, 'PlacePatch', 'properties', 'column', 'type')).toEqual(['integer', 'null']);
    expect(schema(shelf, 'BookPatch', 'properties', 'words', 'items')).toEqual({ type: 'string' });
  });

  it('hold the one field that response_body names', () => {
    expect(at(shelf, 'paths', '/v1/kinds', 'get', 'responses', '200', 'content', 'application/json')).toMatchObject({
      schema: { type: 'object', additionalProperties: { type: 'string', format: 'int64' } },
      example: { key: '1' },
    });
  });

  it('have no example rather than one that the contract would not take', () => {
    expect(
      at(riddles, 'paths', '/test.shelf.v1.Riddles/Solve', 'post', 'requestBody', 'content', 'application/json'),
    ).toEqual({ schema: { $ref: '#/components/schemas/Riddle' } });
  });

  it('mark what only the service sets and what is only sent', () => {
    expect(schema(shelf, 'Book', 'properties', 'lentCount', 'readOnly')).toBe(true);
    expect(schema(shelf, 'Book', 'properties', 'secret', 'writeOnly')).toBe(true);
    expect(
      at(shelf, 'paths', '/v1/books/{name}', 'get', 'responses', '200', 'content', 'application/json', 'example'),
    ).not.toHaveProperty('secret');
  });

  it('of responses alone have every field that is always written', () => {
    expect(schema(rollcall, 'ListUsersResponse', 'required')).toEqual(['users', 'nextPageToken']);
    expect(schema(rollcall, 'LookupResult', 'required')).toEqual(['id', 'found']);
  });
});

describe('errors', () => {
  it('of all codes stand under the HTTP status of their code', () => {
    const responses = at(shelf, 'paths', '/v1/books/{name}', 'get', 'responses') as JsonObject;
    expect(at(responses, '403', 'description')).toBe('`PERMISSION_DENIED` when it is locked away.');
    expect(at(responses, '404', 'content', 'application/problem+json', 'example')).toMatchObject({
      status: 404,
      title: 'Not Found',
      detail: 'There is no such book.',
    });
    expect(at(responses, '429', 'description')).toContain('`RESOURCE_EXHAUSTED` when too many ask.');
  });
});

describe('who may call', () => {
  const operation = (path: string, verb: string): JsonObject => operationAt(rollcall, path, verb).operation;
  it.each([
    ['/v1/users', 'post', 'ADMINISTRATOR.', ['bearer', 'session']],
    ['/v1/users/{id}', 'get', 'ADMINISTRATOR, NORMAL, GUEST.', ['bearer', 'session']],
    ['/v1/users:watch', 'get', 'ADMINISTRATOR, NORMAL, GUEST.', ['bearer', 'session', 'ticket']],
    ['/v1/users:lookup', 'post', 'ADMINISTRATOR, NORMAL, GUEST.', ['bearer', 'session']],
    [
      '/v1/users/{id}',
      'patch',
      'ADMINISTRATOR; NORMAL on their own record: `name`, `email`, `age`.',
      ['bearer', 'session'],
    ],
    ['/v1/users/{userId}/tokens', 'get', 'ADMINISTRATOR; NORMAL, GUEST on their own record.', ['bearer', 'session']],
    ['/v1/sessions', 'post', 'anyone, signed in or not.', ['', 'bearer', 'session']],
  ])('%s %s is told', (path, verb, who, ways) => {
    const { description, security, responses } = operation(path, verb);
    expect(description).toContain(`\n\nWho may call: ${who}\n\n`);
    expect((security as JsonObject[]).map((way) => Object.keys(way).join())).toEqual(ways);
    expect(Object.keys(responses as JsonObject)).toEqual(expect.arrayContaining(['401', '403', '429']));
  });

  it('is told with how one signs in', () => {
    expect(at(rollcall, 'components', 'securitySchemes')).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      session: { type: 'apiKey', in: 'cookie', name: 'rollcall_session' },
      ticket: { type: 'apiKey', in: 'query', name: 'access_ticket' },
    });
    const plain = openApiDocument([rollcallContract], [userService], { ...info, access: describedAccess });
    expect(Object.keys(at(plain, 'components', 'securitySchemes') as JsonObject)).toEqual(['bearer']);
    const failure = at(rollcall, 'components', 'responses', 'Unauthorized');
    expect(at(failure, 'headers')).toEqual({ 'WWW-Authenticate': { $ref: '#/components/headers/WwwAuthenticate' } });
  });

  it('is not told where the contract does not say', () => {
    expect(Object.keys(shelf['components'] as JsonObject)).not.toContain('securitySchemes');
    for (const { operation: each } of operationsOf(riddles)) {
      expect(each['security']).toBeUndefined();
      expect(Object.keys(each['responses'] as JsonObject)).not.toContain('401');
      expect(each['description']).not.toContain('Who may call');
    }
  });
});

describe('rules', () => {
  it('of numbers become limits', () => {
    expect(property('ratio')).toEqual({ type: 'number', format: 'double', minimum: 0, exclusiveMaximum: 1 });
    expect(property('some')).toMatchObject({ type: 'integer', enum: [3, 5] });
    expect(property('yes')).toEqual({ type: 'boolean', const: true });
  });

  it('of a range that lies outside of its limits become alternatives', () => {
    expect(property('outside')['anyOf']).toEqual([{ exclusiveMinimum: 10 }, { exclusiveMaximum: -10 }]);
  });

  it('of 64-bit numbers are said, and their sign and how many digits they have are a pattern', () => {
    expect(property('low')).toEqual({
      type: 'string',
      format: 'uint64',
      pattern: '^[1-9]$',
      description: 'More than `0` and less than `10`.',
    });
    expect(property('high')['description']).toBe('At least `5`.');
  });

  it('of text become lengths, patterns and formats', () => {
    expect(property('code')).toEqual({
      type: 'string',
      pattern: '^[A-Z]+$',
      minLength: 4,
      maxLength: 4,
      allOf: [{ pattern: '^AB' }],
      examples: ['ABCD'],
      description: 'At most 8 bytes in UTF-8.',
    });
  });

  it('that the zero value need not follow let it through', () => {
    expect(property('hostName')['anyOf']).toEqual([{ const: '' }, { format: 'hostname' }]);
  });

  it('that JSON Schema has no word for are said', () => {
    expect(property('notEcma')['description']).toBe('Must match the RE2 pattern `(?i)^abc`.');
    expect(property('net')['description']).toContain('IP prefix');
    expect(property('ruled')['description']).toBe('Rule: must not be shouted.');
    expect(property('at')['description']).toBe('Must be in the past.');
    expect(property('wait')['description']).toContain('At least `1s` and less than `60s`.');
    expect(property('data')).toMatchObject({
      contentEncoding: 'base64',
      minLength: 6,
      maxLength: 24,
      description: 'At least 4 bytes. At most 16 bytes. Rule `bytes.prefix`: `"AQ=="`.',
    });
  });

  it('of enums leave only the names that are allowed', () => {
    expect(property('binding')).toEqual({
      $ref: '#/components/schemas/Binding',
      enum: ['BINDING_LEATHER', 'BINDING_PAPER'],
    });
    expect(schema(shelf, 'Binding', 'description')).toContain('- `BINDING_PAPER`: In paper. Deprecated.');
  });

  it('of lists and maps go to their elements too', () => {
    expect(property('tags')).toEqual({
      type: 'array',
      minItems: 1,
      maxItems: 3,
      uniqueItems: true,
      items: { type: 'string', minLength: 2 },
      description: 'Each: at most 9 bytes in UTF-8.',
    });
    expect(property('counts')).toMatchObject({
      minProperties: 1,
      maxProperties: 5,
      propertyNames: { pattern: '^[a-z]+$' },
      additionalProperties: { type: 'string', pattern: '^[1-9][0-9]{0,18}$' },
    });
  });

  it('of messages and oneofs stand at the message', () => {
    expect(schema(shelf, 'Everything', 'description')).toContain(
      'Rule: low must be less than high. At most one of `hostName`, `uuidText` is set.',
    );
    expect(schema(shelf, 'Everything', 'oneOf')).toEqual([{ required: ['choiceA'] }, { required: ['choiceB'] }]);
    expect(property('choiceA')['description']).toBe('The one. It is not set together with `choiceB`.');
  });

  it('that refuse a field left out make it required', () => {
    expect(schema(shelf, 'Everything', 'required')).toEqual([
      'low',
      'high',
      'outside',
      'some',
      'yes',
      'data',
      'code',
      'notEcma',
      'binding',
      'tags',
      'counts',
    ]);
  });
});

describe('kinds of fields', () => {
  it.each([
    ['free', { anyOf: [{ type: 'number', format: 'float' }, { enum: ['NaN', 'Infinity', '-Infinity'] }] }],
    ['maybe', { type: 'string' }],
    ['text', { type: ['string', 'null'], maxLength: 5 }],
    ['long', { type: ['string', 'null'], format: 'uint64', pattern: '^(0|[1-9][0-9]{0,19})$' }],
    [
      'wide',
      { anyOf: [{ type: 'number', format: 'double' }, { enum: ['NaN', 'Infinity', '-Infinity'] }, { type: 'null' }] },
    ],
    ['struct', { type: 'object', additionalProperties: true, description: 'Any JSON object.' }],
    ['value', { description: 'Any JSON value.' }],
    ['list', { type: 'array', items: {}, description: 'Any JSON array.' }],
    ['nothing', { $ref: '#/components/schemas/NullValue' }],
    ['empty', { type: 'object' }],
    ['more', { type: 'array', items: { $ref: '#/components/schemas/Everything' }, description: 'It holds itself.' }],
  ])('%s is written as ProtoJSON writes it', (name, expected) => {
    expect(property(name)).toEqual(expected);
  });
});

describe('the docs page', () => {
  const assets = docsAssets();
  const page = assets.get('')?.body.toString() ?? '';

  it('has every file that it links to, and nothing from elsewhere', () => {
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links.filter((link) => !assets.has(link))).toEqual(['./', '../openapi.json', '../openapi.json']);
    expect(page).not.toMatch(/https?:/);
    expect(assets.get('docs.js')?.body.toString()).not.toMatch(/https?:/);
  });

  it('has no inline script and no inline style, as its policy demands', () => {
    expect(page).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/);
    expect(docsContentSecurityPolicy).not.toContain('unsafe');
  });

  it('is called Rollcall API, and each file has its type and an etag', () => {
    expect(page).toContain('<title>Rollcall API</title>');
    expect([...assets].map(([path, { type }]) => [path, type])).toEqual([
      ['', 'text/html; charset=utf-8'],
      ['docs.css', 'text/css; charset=utf-8'],
      ['docs.js', 'text/javascript; charset=utf-8'],
      ['favicon.svg', 'image/svg+xml'],
      ['swagger-ui.css', 'text/css; charset=utf-8'],
      ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ]);
    for (const { etag, body } of assets.values())
      expect([etag, body.length > 0]).toEqual([expect.stringMatching(/^"[\w-]{22}"$/), true]);
  });
});
