import { type DescFile, type FileRegistry, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { status as Status } from '@grpc/grpc-js';
import type { Contract } from '@rollcall/contract';
import type * as reflection from '../gen/grpc/reflection/v1/reflection.ts';
import { map, type Observable } from 'rxjs';
import { withOwnNames } from './reflected-names.ts';
import { RpcError } from '../status/rpc-error.ts';
import type { Handler } from '../context/handler.ts';

/**
 * gRPC server reflection, v1 and v1alpha, out of the descriptors as they were built: strict clients refuse descriptors
 * that went through another encoder.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
export class Reflection {
  readonly #registries: readonly FileRegistry[];
  readonly #services: readonly string[];

  /** @param services the full names of the services that are listed */
  constructor(contracts: readonly Contract[], services: readonly string[]) {
    this.#registries = withOwnNames(contracts);
    this.#services = services;
  }

  /** The handlers of both versions of grpc.reflection's ServerReflection, by path. */
  handlers(): Map<string, Handler> {
    const answer: Handler = (requests) =>
      (requests as Observable<reflection.ServerReflectionRequest>).pipe(map((request) => this.answer(request)));
    return new Map(
      ['v1', 'v1alpha'].map((version) => [`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, answer]),
    );
  }

  /** The answer to one question. What is not known is answered with an error response, and the stream goes on. */
  answer(request: reflection.ServerReflectionRequest): reflection.ServerReflectionResponse {
    const response: reflection.ServerReflectionResponse = { validHost: request.host, originalRequest: request };
    try {
      if (request.fileByFilename != null) {
        response.fileDescriptorResponse = files(
          this.#find(`file ${request.fileByFilename}`, (registry) => registry.getFile(request.fileByFilename ?? '')),
        );
      } else if (request.fileContainingSymbol != null) {
        response.fileDescriptorResponse = files(this.#symbol(request.fileContainingSymbol));
      } else if (request.fileContainingExtension != null) {
        const { containingType, extensionNumber } = request.fileContainingExtension;
        const file = this.#find(`extension ${extensionNumber} of ${containingType}`, (registry) => {
          const message = registry.getMessage(containingType);
          return message === undefined ? undefined : registry.getExtensionFor(message, extensionNumber)?.file;
        });
        response.fileDescriptorResponse = files(file);
      } else if (request.allExtensionNumbersOfType != null) {
        response.allExtensionNumbersResponse = this.#extensionNumbers(request.allExtensionNumbersOfType);
      } else if (request.listServices != null) {
        response.listServicesResponse = { service: this.#services.map((name) => ({ name })) };
      } else {
        throw new RpcError(Status.INVALID_ARGUMENT, 'INVALID_FIELD', 'message_request: one of its fields is required');
      }
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      response.errorResponse = { errorCode: error.code, errorMessage: error.message };
    }
    return response;
  }

  #symbol(symbol: string): DescFile {
    return this.#find(`symbol ${symbol}`, (registry) => {
      const found = registry.get(symbol);
      if (found !== undefined) return found.file;
      // A method, a field, an enum value or a oneof: it stands in the file of what declares it.
      const parent = registry.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf('.'))));
      const name = symbol.slice(symbol.lastIndexOf('.') + 1);
      if (parent?.kind === 'service' && parent.methods.some((method) => method.name === name)) return parent.file;
      if (parent?.kind === 'message' && [...parent.fields, ...parent.oneofs].some((member) => member.name === name))
        return parent.file;
      for (const desc of registry) {
        if (desc.kind === 'enum' && desc.values.some((value) => enumValueName(desc.typeName, value.name) === symbol))
          return desc.file;
      }
      return undefined;
    });
  }

  #find(what: string, look: (registry: FileRegistry) => DescFile | undefined): DescFile {
    for (const registry of this.#registries) {
      const file = look(registry);
      if (file !== undefined) return file;
    }
    throw new RpcError(Status.NOT_FOUND, 'UNKNOWN_METHOD', `This server has no ${what}.`);
  }

  #extensionNumbers(typeName: string): reflection.ExtensionNumberResponse {
    const numbers = new Set<number>();
    let known = false;
    for (const registry of this.#registries) {
      known ||= registry.getMessage(typeName) !== undefined;
      for (const desc of registry) {
        if (desc.kind === 'extension' && desc.extendee.typeName === typeName) numbers.add(desc.number);
      }
    }
    if (!known) throw new RpcError(Status.NOT_FOUND, 'UNKNOWN_METHOD', `This server has no message ${typeName}.`);
    return { baseTypeName: typeName, extensionNumber: [...numbers].toSorted((a, b) => a - b) };
  }
}

/** An enum's values are named beside the enum, not inside it. */
function enumValueName(enumName: string, value: string): string {
  const scope = enumName.slice(0, Math.max(0, enumName.lastIndexOf('.')));
  return scope === '' ? value : `${scope}.${value}`;
}

/** The file, then all that it imports, each once. */
function files(file: DescFile): reflection.FileDescriptorResponse {
  const found = new Set<DescFile>();
  const add = (next: DescFile): void => {
    if (found.has(next)) return;
    found.add(next);
    next.dependencies.forEach(add);
  };
  add(file);
  return {
    fileDescriptorProto: [...found].map(({ proto }) => Buffer.from(toBinary(FileDescriptorProtoSchema, proto))),
  };
}
