// The variant `stock`: Nest's own transport, with a guard, a pipe that validates, and a filter.
import 'reflect-metadata';
import { Catch, Controller, Module, type RpcExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcMethod, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { loaderOptions } from '@rollcall/contract';
import { type shelf, testingContract } from '@rollcall/contract/testing';
import { from, type Observable, throwError } from 'rxjs';
import { CheckPath, Guard } from './enhancers.ts';
import { books } from './shelf.ts';

@Catch()
class Filter implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

@Controller()
class ShelfController {
  @GrpcMethod('ShelfService', 'ReadFile')
  readFile({ path }: shelf.ReadFileRequest): shelf.ReadFileResponse {
    return { path };
  }

  @GrpcMethod('ShelfService', 'StreamBooks')
  streamBooks(request: {
    count: number;
    perMessage?: number;
    per_message?: number;
  }): Observable<shelf.StreamBooksResponse> {
    return from(books({ count: request.count, perMessage: request.perMessage ?? request.per_message ?? 1 }));
  }
}

@Module({ controllers: [ShelfController] })
class ShelfModule {}

const app = await NestFactory.createMicroservice<MicroserviceOptions>(ShelfModule, {
  transport: Transport.GRPC,
  options: {
    url: process.env['LISTEN'] ?? '',
    package: 'testing.v1',
    packageDefinition: loadFileDescriptorSetFromBuffer(Buffer.from(testingContract.image), loaderOptions),
  },
  logger: ['fatal', 'error'],
});
app.useGlobalGuards(new Guard()).useGlobalPipes(new CheckPath()).useGlobalFilters(new Filter());
app.enableShutdownHooks();
await app.listen();
