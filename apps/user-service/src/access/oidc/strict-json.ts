/** How deep objects and arrays may lie in each other. Claims are flat, or nearly. */
const maxDepth = 16;

/** A name with its colon, another string, or a bracket: of JSON that is valid, enough to tell whose member a name is. */
const landmarks = /"(?:[^"\\]|\\.)*"(?<colon>\s*:)?|[{}[\]]/g;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a JSON object in which no object has a name twice. Of two members of the same name JSON.parse takes the last and
 * other readers the first, and then two of them disagree about what was signed.
 *
 * @returns its members, as a map, so that a name such as `constructor` finds nothing that is not there; undefined when it
 *   is not UTF-8, not a JSON object, too deep, or names a member twice
 * @see https://www.rfc-editor.org/rfc/rfc7519#section-4
 */
export function parseJsonObject(bytes: Uint8Array): ReadonlyMap<string, unknown> | undefined {
  let value: unknown;
  let text: string;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return undefined; // what V8 says of it quotes the token
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return isStrict(text) ? new Map(Object.entries(value)) : undefined;
}

/** @param text JSON that is valid */
function isStrict(text: string): boolean {
  /** The names so far in each object that is open; those of an array stay empty. */
  const open: Set<unknown>[] = [];
  for (const match of text.matchAll(landmarks)) {
    const [found] = match;
    if (found === '{' || found === '[') {
      if (open.push(new Set()) > maxDepth) return false;
    } else if (found === '}' || found === ']') {
      open.pop();
    } else if (match.groups?.['colon'] !== undefined) {
      const names = open.at(-1);
      const name: unknown = JSON.parse(found.slice(0, found.lastIndexOf('"') + 1)); // "iss" is "iss" too
      if (names === undefined || names.has(name)) return false;
      names.add(name);
    }
  }
  return true;
}
