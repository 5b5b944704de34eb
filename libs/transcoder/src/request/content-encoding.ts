import type { IncomingMessage } from 'node:http';
import { createGunzip, createInflate } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** The codings of a body that are taken, as Accept-Encoding of a refusal names them. */
export const takenCodings = 'gzip, deflate';

/** How a body is coded. */
export type ContentCoding = 'identity' | 'gzip' | 'deflate';

/**
 * The coding that the Content-Encoding of a request says its body has.
 *
 * @throws RpcError INVALID_ARGUMENT, answered with 415 and Accept-Encoding, when it is none that is taken
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-8.4
 */
export function contentCoding({ headers }: Pick<IncomingMessage, 'headers'>): ContentCoding {
  const codings = (headers['content-encoding'] ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  const [coding = 'identity'] = codings;
  if (codings.length > 1 || !['identity', 'gzip', 'x-gzip', 'deflate'].includes(coding)) {
    const shown = codings.join(', ').slice(0, 100);
    throw new RpcError(
      Status.INVALID_ARGUMENT,
      'UNSUPPORTED_MEDIA_TYPE',
      `The body may be coded by one of ${takenCodings}, not by ${shown}.`,
      { metadata: { acceptEncoding: takenCodings } },
    );
  }
  return coding === 'gzip' || coding === 'x-gzip' ? 'gzip' : coding === 'deflate' ? 'deflate' : 'identity';
}

/**
 * The bytes of a body without its coding. What comes out is made as it is asked for, so that few bytes that stand for many
 * cost no more than the many would.
 *
 * @throws RpcError INVALID_ARGUMENT when the bytes are not so coded, or are cut off
 */
export async function* decoded(
  chunks: AsyncIterable<Buffer>,
  coding: ContentCoding,
): AsyncGenerator<Buffer, undefined> {
  if (coding === 'identity') {
    yield* chunks;
    return;
  }
  const decoder = coding === 'gzip' ? createGunzip() : createInflate();
  let failed: unknown;
  // It ends with the request, at the latest.
  void feed(chunks, decoder).catch((error: unknown) => {
    failed = error;
    decoder.destroy(error as Error);
  });
  try {
    yield* decoder as AsyncIterable<Buffer>;
  } catch (cause) {
    if (failed !== undefined) throw failed;
    throw new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', `The body is not ${coding}.`, { cause });
  } finally {
    decoder.destroy();
  }
}

/** Gives a decoder what comes, as fast as it takes it. */
async function feed(chunks: AsyncIterable<Buffer>, decoder: ReturnType<typeof createGunzip>): Promise<void> {
  for await (const chunk of chunks) {
    if (decoder.destroyed) return;
    if (decoder.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      decoder.once('drain', resolve);
      decoder.once('close', resolve);
    });
  }
  decoder.end();
}
