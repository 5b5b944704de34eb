/** How long a document may be, in bytes, once it is decompressed. */
const maxBytes = 256 * 1024;

/**
 * Fetches a JSON document. A redirect is not followed: the specification asks for the status 200, and a redirect would
 * let whoever answers here choose where the keys come from.
 *
 * @throws Error that says what is wrong with the answer
 */
export async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  // A connection of its own, because one that is kept may be closed by the other side just as it is used.
  const headers = { accept: 'application/json', connection: 'close' };
  const response = await fetch(url, { signal, redirect: 'manual', headers });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered with the status ${response.status}`);
  }
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`${url} answered with more than ${maxBytes} bytes`); // leaving cancels the rest
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Error(`${url} answered with no JSON`); // what V8 says quotes the document
  }
}
