/** Contracts for tests alone. */
import { builtContract, type Contract } from './contract.ts';

/** A contract with every kind of field, HTTP rule and stream, for the tests of the libraries. */
export const testingContract: Contract = builtContract('testing');
export type * as shelf from './gen/testing/testing/v1/shelf.ts';

/** What the interop clients of other gRPC implementations call: `grpc.testing.TestService`. */
export const interopContract: Contract = builtContract('interop');
export * as interopMessages from './gen/testing/grpc/testing/messages.ts';
export type * as interop from './gen/testing/grpc/testing/test.ts';
