import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** What messages may be compressed by, as headers name it. */
export const takenCompressions = 'gzip, identity';

/** Smaller messages are sent as they are: compressing them saves nothing. */
export const minCompressedBytes = 1024;

export type Compression = 'identity' | 'gzip';

const unzip = promisify(gunzip);
const zip = promisify<Buffer, Buffer>(gzip);

/**
 * The compression that a header names.
 *
 * @throws RpcError UNIMPLEMENTED when it is none that is taken
 * @see https://github.com/grpc/grpc/blob/master/doc/compression.md
 */
export function compressionOf(header: string | string[] | undefined): Compression {
  const name = String(header ?? '').trim();
  if (name === '' || name === 'identity') return 'identity';
  if (name === 'gzip') return 'gzip';
  throw new RpcError(
    Status.UNIMPLEMENTED,
    'UNSUPPORTED_MEDIA_TYPE',
    `Messages may be compressed by one of ${takenCompressions}, not by ${name.slice(0, 100)}.`,
  );
}

/** The compression of answers, by what the caller says that it takes. */
export function answerCompression(accepted: string | string[] | undefined): Compression {
  const names = String(accepted ?? '').split(',');
  return names.some((name) => name.trim() === 'gzip') ? 'gzip' : 'identity';
}

/**
 * A message as it was before it was compressed by gzip.
 *
 * @throws RpcError RESOURCE_EXHAUSTED when it would be larger than the limit, INVALID_ARGUMENT when it is not so compressed
 */
export async function decompress(bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
  try {
    return await unzip(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw messageTooLarge(maxBytes);
    throw new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', 'A message is not compressed by gzip.', { cause });
  }
}

/** Compresses a message by gzip. */
export function compress(bytes: Buffer): Promise<Buffer> {
  return zip(bytes);
}

export function messageTooLarge(maxBytes: number): RpcError {
  const message = `A message is larger than ${maxBytes} bytes.`;
  return new RpcError(Status.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE', message);
}
