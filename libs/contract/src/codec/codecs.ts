import type { DescMessage } from '@bufbuild/protobuf';
import { fromJSON, type MethodDefinition } from '@grpc/proto-loader';
import { codecDescriptors } from './descriptors.ts';
import { loaderOptions } from './options.ts';
import type { Contract } from '../read-contract.ts';
import { encodable } from './encodable.ts';
import { messageDecoder } from './message-decoder.ts';

/** Reads and writes the messages of one method, in the shape of the generated types. */
export interface MethodCodec {
  readonly encodeRequest: (message: object) => Buffer;
  /** @throws Error when the bytes are no such message */
  readonly decodeRequest: (bytes: Uint8Array) => object;
  readonly encodeResponse: (message: object) => Buffer;
  /** @throws Error when the bytes are no such message */
  readonly decodeResponse: (bytes: Uint8Array) => object;
}

const loaded = new WeakMap<Contract, ReadonlyMap<string, MethodCodec>>();

/** The codecs of every method of a contract, by the method's path. */
export function codecsOf(contract: Contract): ReadonlyMap<string, MethodCodec> {
  let codecs = loaded.get(contract);
  if (codecs === undefined) {
    codecs = loadCodecs(contract);
    loaded.set(contract, codecs);
  }
  return codecs;
}

function loadCodecs(contract: Contract): Map<string, MethodCodec> {
  const definitions = fromJSON(codecDescriptors(contract.registry), loaderOptions);
  const codecs = new Map<string, MethodCodec>();
  for (const { service, name, path, input, output } of contract.methods.values()) {
    const methods = definitions[service] as Record<string, MethodDefinition<object, object>> | undefined;
    const definition = methods?.[name];
    if (definition === undefined) throw new Error(`no codec for ${path}`);
    codecs.set(path, {
      encodeRequest: encoder(input, definition.requestSerialize),
      decodeRequest: messageDecoder(input),
      encodeResponse: encoder(output, definition.responseSerialize),
      decodeResponse: messageDecoder(output),
    });
  }
  return codecs;
}

function encoder(desc: DescMessage, encode: (message: object) => Buffer): (message: object) => Buffer {
  const change = encodable(desc);
  return change === undefined ? encode : (message) => encode(change(message));
}
