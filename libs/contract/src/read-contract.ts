import { createFileRegistry, fromBinary, type FileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type Method, methodsOf } from './methods.ts';

/** A set of protos that belong together, as `buf build` wrote them: what a server serves, and a gateway shows. */
export interface Contract {
  /** The encoded google.protobuf.FileDescriptorSet, imports and comments included. */
  readonly image: Uint8Array;
  /** Every message, enum, service and extension by its full name. */
  readonly registry: FileRegistry;
  /** Every method of every service, by its path, such as `/library.v1.LibraryService/GetBook`. */
  readonly methods: ReadonlyMap<string, Method>;
}

/**
 * Reads a contract from descriptors.
 *
 * @param image an encoded google.protobuf.FileDescriptorSet that includes its imports
 * @throws Error when the bytes are no such set, or an HTTP rule in it cannot be read
 */
export function readContract(image: Uint8Array): Contract {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  const methods = new Map<string, Method>();
  for (const desc of registry) {
    if (desc.kind !== 'service') continue;
    for (const method of methodsOf(desc)) methods.set(method.path, method);
  }
  return { image, registry, methods };
}
