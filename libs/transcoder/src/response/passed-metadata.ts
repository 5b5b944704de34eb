import type { Metadata } from '@grpc/grpc-js';

/** Headers of HTTP that say how a message is written or sent: they are the transcoder's own. */
const own = /^(content-|transfer-|grpc-|proxy-|:)|^(connection|date|keep-alive|te|trailer|upgrade|x-request-id|host)$/;

/**
 * Names of headers or metadata that an option lists, in lower case.
 *
 * @param option the name of the option, for the error
 * @throws Error when a name is none of metadata, or HTTP's own
 */
export function passedNames(option: string, names: readonly string[] = []): readonly string[] {
  return names.map((each) => {
    const name = each.toLowerCase();
    if (!/^[a-z0-9_.-]+$/.test(name)) throw new Error(`${option}: "${each}" is no name of metadata`);
    if (own.test(name)) throw new Error(`${option}: "${each}" is for HTTP itself to set, and is not passed on`);
    return name;
  });
}

/** The metadata of an answer, by the names that are passed on, as headers of HTTP. Bytes are base64. */
export function passedHeaders(names: readonly string[], metadata: Metadata): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const name of names) {
    const values = metadata.get(name);
    if (values.length > 0)
      headers[name] = values.map((value) => (typeof value === 'string' ? value : value.toString('base64')));
  }
  return headers;
}
