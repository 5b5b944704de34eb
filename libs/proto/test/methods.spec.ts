import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { hasRules, validate } from '@rollcall/contract';
import { rollcallContract, tutorialUserManagerContract } from '../src/contracts.ts';
import { testingContract } from '@rollcall/contract/testing';

const get = (path: string) => rollcallContract.methods.get(`/rollcall.user.v1.UserService/${path}`);

describe('the method table', () => {
  it('has kind, types and HTTP rule of each method from the proto', () => {
    expect(get('LookupUsers')).toMatchObject({
      service: 'rollcall.user.v1.UserService',
      localName: 'lookupUsers',
      kind: 'bidi_streaming',
      requestStream: true,
      responseStream: true,
      readOnly: true,
      http: [{ verb: 'POST', template: '/v1/users:lookup', body: '*', responseBody: 'results' }],
    });
    expect(get('CreateUser')).toMatchObject({ kind: 'unary', idempotent: false, http: [{ body: 'user' }] });
    expect([get('CountExistingUsers')?.kind, get('ExportUsers')?.kind]).toEqual([
      'client_streaming',
      'server_streaming',
    ]);
  });

  it('lists additional bindings behind the rule, and custom verbs', () => {
    const echo = testingContract.methods.get('/testing.v1.ShelfService/EchoBook');
    expect(echo?.http.map(({ verb, template }) => `${verb} ${template}`)).toEqual([
      'POST /v1/books:echo',
      'PUT /v1/genres/{book.genre}/books/{book.name}',
      'REPORT /v1/books',
    ]);
  });

  it('has no rule where the proto has none', () => {
    expect(tutorialUserManagerContract.methods.get('/UserManager/AddUser')?.http).toEqual([]);
  });
});

describe('validation', () => {
  const user = rollcallContract.registry.getMessage('rollcall.user.v1.User');
  if (user === undefined) throw new Error('the contract has no User');

  it('names each field that breaks a rule, and the rule', () => {
    const violations = validate(user, create(user, { name: 'a\u0000', email: 'x', age: 151, type: 9, id: 2n ** 63n }));
    expect(violations.map(({ field, rule }) => [field, rule])).toEqual([
      ['id', 'uint64.lte'],
      ['name', 'string.pattern'],
      ['email', 'string.email'],
      ['age', 'int32.gte_lte'],
      ['type', 'enum.defined_only'],
    ]);
  });

  it('takes a message that breaks none', () => {
    expect(
      validate(user, create(user, { name: 'Ada', email: 'ada@example.com', age: 0, type: 1, id: 2n ** 63n - 1n })),
    ).toEqual([]);
  });

  it('knows which messages have rules, also inside', () => {
    const has = (name: string) => hasRules(rollcallContract.registry.getMessage(name) ?? user);
    expect([has('rollcall.user.v1.CreateUserRequest'), has('grpc.health.v1.HealthCheckRequest')]).toEqual([
      true,
      false,
    ]);
  });
});
