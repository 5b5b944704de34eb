import { ExactNumber, isJsonMembers, type Json } from '@rollcall/contract';

/** The deepest nesting of arrays and objects that is read. Messages of ours need a fraction of it. */
export const maxJsonDepth = 100;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** JSON that cannot be taken; the message is fit for the caller. */
export class JsonTextError extends Error {}

/**
 * Reads JSON from bytes. A number that a JavaScript number does not hold as it is written keeps its digits.
 *
 * @throws JsonTextError when it is not UTF-8, not JSON, nested too deep, has an unpaired surrogate, or an object names a
 *   member twice
 */
export function parseJson(bytes: Uint8Array): Json {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new JsonTextError('is not UTF-8');
  }
  const { depth, members } = measured(text);
  if (depth > maxJsonDepth) throw new JsonTextError(`is nested deeper than ${maxJsonDepth} levels`);
  let json: Json;
  try {
    json = (mayHaveExactNumbers.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)) as Json;
  } catch (error) {
    throw new JsonTextError(`is not JSON: ${(error as Error).message}`);
  }
  if (/\\ud[89a-f]/i.test(text)) checkWellFormed(json, '');
  // Of two members of the same name JSON.parse keeps the last alone.
  if (countMembers(json) < members) throw new JsonTextError(`names ${repeatedName(text)} twice in one object`);
  return json;
}

/** How deep arrays and objects stand inside each other, and how many members all objects name. What is in strings does not count. */
function measured(text: string): { depth: number; members: number } {
  let [depth, deepest, members] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) if (text.charCodeAt(at) === 0x5c) at++;
        break;
      case 0x3a: // :
        members++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        deepest = Math.max(deepest, ++depth);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
    }
  }
  return { depth: deepest, members };
}

function countMembers(json: Json): number {
  if (typeof json !== 'object' || json === null || json instanceof ExactNumber) return 0;
  let count = Array.isArray(json) ? 0 : Object.keys(json).length;
  for (const inner of Object.values(json) as Json[]) if (typeof inner === 'object') count += countMembers(inner);
  return count;
}

/** A name with its colon, another string, or a bracket: of JSON that is valid, enough to tell whose member a name is. */
const landmarks = /"(?:[^"\\]|\\.)*"(?<colon>\s*:)?|[{}[\]]/g;

/** The first name that stands in an object a second time, as JSON; its beginning, when it is long. */
function repeatedName(text: string): string {
  const open: Set<unknown>[] = [];
  for (const match of text.matchAll(landmarks)) {
    const [found] = match;
    if (found === '{' || found === '[') open.push(new Set());
    else if (found === '}' || found === ']') open.pop();
    else if (match.groups?.['colon'] !== undefined) {
      const written = found.slice(0, found.lastIndexOf('"') + 1);
      const name: unknown = JSON.parse(written); // "na\u006de" is "name" too
      if (open.at(-1)?.has(name) === true) return written.length > 100 ? `${written.slice(0, 100)}…` : written;
      open.at(-1)?.add(name);
    }
  }
  return 'a member';
}

function checkWellFormed(json: Json, path: string): void {
  if (typeof json === 'string') {
    if (!json.isWellFormed()) throw new JsonTextError(`has an unpaired surrogate at ${path === '' ? 'the top' : path}`);
  } else if (Array.isArray(json) || isJsonMembers(json)) {
    for (const [key, value] of Object.entries(json)) {
      if (!key.isWellFormed()) throw new JsonTextError('has an unpaired surrogate in a key');
      checkWellFormed(value, path === '' ? key : `${path}.${key}`);
    }
  }
}

/** Whether there may be a number that has an exponent, or sixteen digits: others are exact, or plainly have a fraction. */
const mayHaveExactNumbers = /[\d.]{16}|(?:^|[\s:,[])-?[\d.]+[eE]/;

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined) return value;
  return Number.isSafeInteger(value) && !/[.eE]/.test(source) ? value : new ExactNumber(source);
}
