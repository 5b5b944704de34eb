import type { Metadata } from '@grpc/grpc-js';
import { entriesOf } from './packed-frames.ts';

/** The size of metadata on its way, keys and values together, binary ones in base64. */
export function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const [key, values] of entriesOf(metadata))
    for (const value of values)
      bytes += key.length + (typeof value === 'string' ? value.length : Math.ceil(value.length / 3) * 4);
  return bytes;
}
