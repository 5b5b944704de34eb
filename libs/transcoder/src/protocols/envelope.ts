import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import type { BodyShare } from '../http/body-budget.ts';
import { type Compression, decompress, messageTooLarge } from './compression.ts';

/** The flags of an envelope. @see https://connectrpc.com/docs/protocol#enveloped-message */
export const flags = { compressed: 0x01, connectEnd: 0x02, webTrailers: 0x80 } as const;

const headBytes = 5;

/** A message with the five bytes before it. */
export function envelope(flag: number, message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + message.length);
  bytes[0] = flag;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, headBytes);
  return bytes;
}

export interface EnvelopeOptions {
  /** By what messages are compressed whose envelope says that they are. */
  readonly compression: Compression;
  /** The largest message, in bytes, also when it is decompressed. */
  readonly maxBytes: number;
  /** What a message that has not come whole counts toward. */
  readonly share: BodyShare | undefined;
}

/**
 * Reads the messages of a body one after the other, as they arrive. It reads no further than it is asked.
 *
 * @throws RpcError when a message is too large, an envelope cannot be read, or the body ends in the middle of one
 */
export async function* readEnvelopes(
  chunks: AsyncIterable<Buffer>,
  { compression, maxBytes, share }: EnvelopeOptions,
): AsyncGenerator<Buffer, undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (size: number): Buffer => {
    const whole = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, length);
    parts = whole.length > size ? [whole.subarray(size)] : [];
    length -= size;
    share?.give(size);
    return whole.subarray(0, size);
  };
  let head: { readonly flag: number; readonly size: number } | undefined;
  for await (const chunk of chunks) {
    share?.take(chunk.length);
    parts.push(chunk);
    length += chunk.length;
    for (;;) {
      if (head === undefined) {
        if (length < headBytes) break;
        const bytes = take(headBytes);
        head = { flag: bytes[0] ?? 0, size: bytes.readUInt32BE(1) };
        if ((head.flag & ~flags.compressed) !== 0) throw malformed('An envelope has flags that mean nothing here.');
        if (head.size > maxBytes) throw messageTooLarge(maxBytes);
      }
      if (length < head.size) break;
      const { flag, size } = head;
      head = undefined;
      const message = take(size);
      if ((flag & flags.compressed) === 0) yield message;
      else if (compression === 'identity') throw compressedWithoutName();
      else yield await decompress(message, maxBytes);
    }
  }
  if (head !== undefined || length > 0) throw malformed('The body ends in the middle of a message.');
}

/** A sender has to say by what it compresses. */
function compressedWithoutName(): RpcError {
  return new RpcError(Status.INTERNAL, 'MALFORMED_REQUEST', 'A message is compressed, and no header says by what.');
}

function malformed(message: string): RpcError {
  return new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', message);
}
