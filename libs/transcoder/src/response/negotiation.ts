import Negotiator from 'negotiator';

/**
 * The media type that a caller likes best of those that can be had; undefined when it takes none of them. By weight, then
 * by how specific the range is that names the type, then by its place in the header, then by its place in `types`.
 *
 * @param accept the Accept header; several lines are joined by commas
 * @param types the best first; all of them are in UTF-8
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
 */
export function preferredType<Type extends string>(
  accept: string | undefined,
  types: readonly Type[],
): Type | undefined {
  if (accept === undefined || namesNothing(accept)) return types[0];
  const known = types.map((type) => `${type};charset=utf-8`);
  const chosen = negotiator('accept', accept).mediaType(known);
  if (chosen !== undefined) return types[known.indexOf(chosen)];
  // A range with parameters that mean nothing here still asks for its type.
  const named = negotiator('accept', accept)
    .mediaTypes()
    .map((type) => type.toLowerCase());
  const first = named.find((type) => (types as readonly string[]).includes(type));
  return types.find((type) => type === first);
}

/** Whether an Accept header lets an answer of this type through. */
export function accepts(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept === '*/*' || accept === type) return true; // as most say
  return preferredType(accept, [type]) !== undefined;
}

/**
 * The content coding that a caller likes best of those that can be had; undefined when it takes none of them. Without the
 * header it is `identity`: nobody can be hurt by that.
 *
 * @param codings the best first
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export function preferredCoding<Coding extends string>(
  acceptEncoding: string | undefined,
  codings: readonly Coding[],
): Coding | undefined {
  const header = (acceptEncoding ?? '').replace(/\bx-gzip\b/gi, 'gzip'); // the same, by RFC 9110
  const chosen = negotiator('accept-encoding', header).encodings([...codings], { preferred: codings })[0];
  return chosen as Coding | undefined;
}

/** A list may have empty elements, and an empty list asks for nothing. */
function namesNothing(list: string): boolean {
  return /^[ \t,]*$/.test(list);
}

function negotiator(name: string, value: string): Negotiator & Encodings {
  return new Negotiator({ headers: { [name]: value } });
}

/** What version 1 has beside the types of 0.6: an order for what is liked equally. */
interface Encodings {
  encodings(available: string[], options: { readonly preferred: readonly string[] }): string[];
}
