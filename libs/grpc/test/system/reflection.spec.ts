import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { rollcallContract, tutorialUserManagerContract, tutorialUserServiceContract } from '@rollcall/proto';
import { describe, expect, it } from 'vitest';
import type { reflection } from '../../src/grpc.ts';
import { Reflection } from '../../src/system/reflection.ts';

describe('reflection', () => {
  const contracts = [tutorialUserManagerContract, tutorialUserServiceContract, rollcallContract];
  const services = ['UserManager', 'UserService', 'rollcall.user.v1.UserService'];
  const ask = (question: Partial<reflection.ServerReflectionRequest>) =>
    new Reflection(contracts, services).answer({ host: '', ...question });
  const namesOf = ({ fileDescriptorResponse }: reflection.ServerReflectionResponse): string[] =>
    (fileDescriptorResponse?.fileDescriptorProto ?? []).map((file) => fromBinary(FileDescriptorProtoSchema, file).name);

  it('lists every service, also two without a package whose messages have the same names', () => {
    const { listServicesResponse } = ask({ listServices: '*' });
    expect(listServicesResponse?.service.map(({ name }) => name)).toEqual(services);
  });

  it('describes all of them under names that one client can hold together', () => {
    const files = services.flatMap(
      (symbol) => ask({ fileContainingSymbol: symbol }).fileDescriptorResponse?.fileDescriptorProto ?? [],
    );
    const byName = new Map(
      files.map((bytes) => {
        const file = fromBinary(FileDescriptorProtoSchema, bytes);
        return [file.name, file];
      }),
    );
    const declared = [...byName.values()].flatMap((file) =>
      [...file.messageType, ...file.enumType].map(({ name }) => `${file.package}.${name}`),
    );
    expect(declared).toContain('.User');
    expect(declared).toContain('.UserServiceUser');
    expect(declared.filter((name, index) => declared.indexOf(name) !== index)).toEqual([]);
    const file: FileDescriptorProto[] = [];
    const add = (name: string): void => {
      const next = byName.get(name);
      if (next === undefined || file.includes(next)) return;
      next.dependency.forEach(add);
      file.push(next);
    };
    [...byName.keys()].forEach(add);
    const together = createFileRegistry(create(FileDescriptorSetSchema, { file }));
    expect(together.getService('UserService')?.method['getUser']?.input.typeName).toBe('UserServiceUserRequest');
    expect(together.getMessage('UserServiceUserRequest')?.field['user']?.message?.typeName).toBe('UserServiceUser');
    expect(together.getService('UserManager')?.method['getUser']?.input.typeName).toBe('UserRequest');
  });

  it.each(['UserManager', 'UserManager.GetUser', 'UserService'])(
    'describes %s in a file that a client can take without any other, as evans does',
    (symbol) => {
      const [file, ...others] = ask({ fileContainingSymbol: symbol }).fileDescriptorResponse?.fileDescriptorProto ?? [];
      expect(others).toEqual([]);
      const alone = createFileRegistry(fromBinary(FileDescriptorProtoSchema, file ?? Buffer.alloc(0)), () => undefined);
      expect(alone.getService(symbol.replace('.GetUser', ''))?.methods.map(({ name }) => name)).toContain('GetUser');
    },
  );

  it.each(['google.rpc.ErrorInfo', 'google.rpc.BadRequest', 'google.rpc.RetryInfo', 'google.rpc.Status'])(
    'describes %s, which the details of an error are made of',
    (symbol) => {
      expect(namesOf(ask({ fileContainingSymbol: symbol }))[0]).toMatch(/^google\/rpc\//);
    },
  );
});
