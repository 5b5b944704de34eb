import { status as Status } from '@grpc/grpc-js';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcServer, toAsyncIterable, health } from '@rollcall/grpc';
import { firstValueFrom, of } from 'rxjs';
import { makeDirectory } from '@rollcall/test-servers';
import { expect, test } from 'vitest';
import { servedContracts } from '../src/service.ts';
import { failure, startService } from './service.ts';

const { HealthCheckResponse_ServingStatus: ServingStatus } = health;

@Module({})
class EmptyModule {}

test('does not start when a method that it serves has no handler', async () => {
  using directory = makeDirectory();
  const strategy = new GrpcServer({
    errorDomain: 'rollcall',
    listen: `unix://${directory.path}/grpc.sock`,
    serve: servedContracts,
  });
  const app = await NestFactory.createMicroservice(EmptyModule, { strategy, logger: false, abortOnError: false });
  await expect(app.listen()).rejects.toThrow(
    /no handler for .*\/rollcall\.user\.v1\.UserService\/CreateUser, .*\/UserManager\/AddUser.*\/UserService\/GetUser/,
  );
  await app.close();
});

test.each(['', 'rollcall.user.v1.UserService', 'rollcall.audit.v1.AuditService', 'UserManager', 'UserService'])(
  'says of "%s" that it serves',
  async (service) => {
    await using running = await startService();
    expect(await firstValueFrom(running.health.check({ service }))).toEqual({ status: ServingStatus.SERVING });
  },
);

test('says of an unknown service that it is not known', async () => {
  await using service = await startService();
  expect(await failure(service.health.check({ service: 'none' }))).toMatchObject({ code: Status.NOT_FOUND });
});

test('tells who watches its health that it ends', async () => {
  await using service = await startService();
  const statuses = toAsyncIterable(service.health.watch({ service: 'UserManager' }));
  expect((await statuses.next()).value).toEqual({ status: ServingStatus.SERVING });
  const closed = service.close();
  expect((await statuses.next()).value).toEqual({ status: ServingStatus.NOT_SERVING });
  await closed;
});

test('lists its services, and describes them', async () => {
  await using service = await startService();
  const ask = (question: object) =>
    firstValueFrom(service.reflection.serverReflectionInfo(of({ host: '', ...question })));
  const { listServicesResponse } = await ask({ listServices: '' });
  expect(listServicesResponse?.service.map(({ name }) => name)).toEqual([
    'rollcall.user.v1.UserService',
    'rollcall.access.v1.AccessService',
    'rollcall.access.v1.CallerService',
    'rollcall.audit.v1.AuditService',
    'UserManager',
    'UserService',
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
  ]);
  for (const symbol of ['rollcall.user.v1.UserService', 'UserManager', 'UserManager.AddUser', 'UserService']) {
    const { fileDescriptorResponse } = await ask({ fileContainingSymbol: symbol });
    expect(fileDescriptorResponse?.fileDescriptorProto.length).toBeGreaterThan(0);
  }
});
