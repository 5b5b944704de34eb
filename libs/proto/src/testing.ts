/** A contract with every kind of field, HTTP rule and stream, for the tests of the libraries. */
import { builtContract, type Contract } from './contract.ts';

export const testingContract: Contract = builtContract('testing');
export type * as shelf from './gen/testing/testing/v1/shelf.ts';
