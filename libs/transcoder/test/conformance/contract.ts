import { readFileSync } from 'node:fs';
import { codecsOf, type Contract, readContract } from '@rollcall/contract';

/** The service that connectconformance calls. */
export const service = 'connectrpc.conformance.v1.ConformanceService';

/** The contract of the suite, from the descriptors that `npm run test:conformance` makes of its protos. */
export function conformanceContract(): Contract {
  const image = process.env['CONFORMANCE_IMAGE'];
  if (image === undefined) throw new Error('CONFORMANCE_IMAGE names no file: see npm run test:conformance');
  return readContract(readFileSync(image));
}

/** A google.protobuf.Any. */
export interface AnyMessage {
  readonly typeUrl: string;
  readonly value: Buffer;
}

/** Packs a message of the suite that is the request or the response of a method. */
export function packRequest(contract: Contract, method: string, message: object): AnyMessage {
  const path = `/${service}/${method}`;
  const codec = codecsOf(contract).get(path);
  const type = contract.methods.get(path)?.input.typeName;
  if (codec === undefined || type === undefined) throw new Error(`the suite has no ${path}`);
  return { typeUrl: `type.googleapis.com/${type}`, value: codec.encodeRequest(message) };
}
