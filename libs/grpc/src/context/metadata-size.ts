import type { Metadata } from '@grpc/grpc-js';

/** The size of metadata on its way, keys and values together, binary ones in base64. */
export function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const [key, values] of entriesOf(metadata))
    for (const value of values)
      bytes += key.length + (typeof value === 'string' ? value.length : Math.ceil(value.length / 3) * 4);
  return bytes;
}

/** The keys and values of metadata. What Metadata offers in public copies all of it. */
export function entriesOf(metadata: Metadata): ReadonlyMap<string, readonly (string | Buffer)[]> {
  return (metadata as unknown as { readonly internalRepr: ReadonlyMap<string, (string | Buffer)[]> }).internalRepr;
}
