import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/**
 * The bytes of a body that is base64, as `application/grpc-web-text` has it: several encoded pieces, one behind the other,
 * each with its padding.
 *
 * @throws RpcError INVALID_ARGUMENT when it is no base64
 */
export async function* base64Decoded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  let rest = '';
  for await (const chunk of chunks) {
    const text = rest + chunk.toString('latin1').replace(/[\r\n]/g, '');
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    const bytes = decoded(text.slice(0, whole));
    if (bytes.length > 0) yield bytes;
  }
  if (rest !== '') throw noBase64();
}

function decoded(text: string): Buffer {
  if (!/^(?:[\w+/-]{4}|[\w+/-]{3}=|[\w+/-]{2}==)*$/.test(text)) throw noBase64();
  // Node decodes no further than the first padding.
  const pieces = text.match(/[^=]+=*/g) ?? [];
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64')));
}

function noBase64(): RpcError {
  return new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', 'The body is not base64.');
}
