/** Contracts for tests alone. */
import { readFileSync } from 'node:fs';
import { type Contract, readContract } from './read-contract.ts';

function builtContract(name: string): Contract {
  return readContract(readFileSync(new URL(`../gen/${name}.binpb`, import.meta.url)));
}

/** A contract with every kind of field, HTTP rule and stream, for the tests of the libraries. */
export const testingContract: Contract = builtContract('testing');
export type * as shelf from './gen/testing/testing/v1/shelf.ts';

/** What the interop clients of other gRPC implementations call: `grpc.testing.TestService`. */
export const interopContract: Contract = builtContract('interop');
export * as interopMessages from './gen/testing/grpc/testing/messages.ts';
export type * as interop from './gen/testing/grpc/testing/test.ts';
