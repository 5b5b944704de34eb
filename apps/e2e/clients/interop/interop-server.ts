import 'reflect-metadata';
import { type CallHandler, type ExecutionContext, Module, type NestInterceptor } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { GrpcServer, PassOnFilter } from '@rollcall/grpc';
import { interopContract } from '@rollcall/contract/testing';
import { finalize, type Observable } from 'rxjs';
import { TestServiceController, testServiceName } from './test-service.controller.ts';

@Module({
  controllers: [TestServiceController],
  providers: [{ provide: APP_FILTER, useClass: PassOnFilter }],
})
class InteropModule {}

/** Counts the calls that reach a handler, and those whose handler has ended or has been torn down. */
class CallCounter implements NestInterceptor {
  begun = 0;
  ended = 0;

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.begun++;
    return next.handle().pipe(finalize(() => this.ended++));
  }
}

export interface InteropServer {
  readonly port: string;
  readonly calls: { readonly begun: number; readonly ended: number };
  close(): Promise<void>;
}

/** Serves grpc.testing.TestService over TCP, which is all that the interop clients know. */
export async function startInteropServer(): Promise<InteropServer> {
  const server = new GrpcServer({
    errorDomain: 'rollcall',
    listen: '127.0.0.1:0',
    serve: [{ contract: interopContract, services: [testServiceName] }],
  });
  const app = await NestFactory.createMicroservice(InteropModule, { strategy: server, logger: ['error'] });
  const calls = new CallCounter();
  app.useGlobalInterceptors(calls);
  await app.listen();
  return { port: server.address.split(':')[1] ?? '', calls, close: () => app.close() };
}
