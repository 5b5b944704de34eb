import { type Place, queryError } from '../query-error.ts';

/** Each before those that it begins with. */
const comparators = ['<=', '>=', '!=', '=', '<', '>', ':'] as const;

export type Comparator = (typeof comparators)[number];

/** A value as it is written, in quotes or bare. */
export interface Literal extends Place {
  readonly kind: 'literal';
  readonly quoted: boolean;
  /** What is written, without quotes, escapes, and the wildcards at its ends. */
  readonly text: string;
  /** Whether a wildcard stands before the text. */
  readonly openStart: boolean;
  /** Whether a wildcard stands behind the text. */
  readonly openEnd: boolean;
}

export interface Mark extends Place {
  readonly kind: 'AND' | 'OR' | 'NOT' | '-' | '(' | ')' | 'end';
}

export interface Comparison extends Place {
  readonly kind: 'comparator';
  readonly comparator: Comparator;
}

export type Token = Literal | Mark | Comparison;

const space = /\s+/y;
/** A bare word. Behind a comparator it may hold colons, as times do. */
const word = /[^\s\p{Cc}(),"'\\<>=!:]+/uy;
const value = /[^\s\p{Cc}(),"'\\<>=!]+/uy;
const quotedText = /(["'])(?:\\.|(?!\1)[^\\])*\1/suy;

/**
 * The tokens of a filter, an `end` last.
 *
 * @throws RpcError INVALID_FIELD when a quote has no end, an escape is unknown, or a character has no meaning
 * @see https://google.aip.dev/assets/misc/ebnf-filtering.txt
 */
export function tokensOf(filter: string): Token[] {
  const tokens: Token[] = [];
  let start = 0;
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = start;
    return pattern.exec(filter)?.[0] ?? '';
  };
  for (;;) {
    start += match(space).length;
    const token = next(filter, start, match, tokens.at(-1)?.kind === 'comparator');
    tokens.push(token);
    if (token.kind === 'end') return tokens;
    start += token.raw.length;
    refuseJoined(filter, token, start);
  }
}

function next(filter: string, start: number, match: (pattern: RegExp) => string, isValue: boolean): Token {
  const first = filter.charAt(start);
  if (first === '') return { kind: 'end', start, raw: '' };
  if (first === '(' || first === ')') return { kind: first, start, raw: first };
  if (first === '-' && !isValue) return { kind: '-', start, raw: first };
  if (first === '"' || first === "'") return quoted(filter, start, match(quotedText));
  const comparator = comparators.find((mark) => filter.startsWith(mark, start));
  if (comparator !== undefined) return { kind: 'comparator', comparator, start, raw: comparator };
  const raw = match(isValue ? value : word);
  if (raw === 'AND' || raw === 'OR' || raw === 'NOT') return { kind: raw, start, raw };
  if (raw !== '') return literal({ start, raw }, false, Array.from(raw));
  const character = String.fromCodePoint(filter.codePointAt(start) ?? 0);
  throw queryError(
    'filter',
    filter,
    { start, raw: character },
    'has no meaning here: put the text in quotes',
    'syntax',
  );
}

function quoted(filter: string, start: number, raw: string): Literal {
  if (raw === '') {
    throw queryError('filter', filter, { start, raw: filter.slice(start) }, 'has no closing quote', 'syntax');
  }
  // Each character with its backslash, when it has one: `\*` is no wildcard.
  const units = raw.slice(1, -1).match(/\\?./gsu) ?? [];
  let at = start + 1;
  for (const unit of units) {
    const wrong = (why: string) => queryError('filter', filter, { start: at, raw: unit }, why, 'syntax');
    if (/\p{Cc}/u.test(unit)) throw wrong('is a control character, which no field holds');
    if (unit.length > 1 && unit.startsWith('\\') && !/[\\"'*]/.test(unit.slice(1))) {
      throw wrong('is no escape: a backslash stands before \\, ", \' or * alone');
    }
    at += unit.length;
  }
  return literal({ start, raw }, true, units);
}

function literal(place: Place, isQuoted: boolean, units: readonly string[]): Literal {
  const openStart = units[0] === '*';
  const openEnd = units.at(-1) === '*';
  const inner = units.slice(openStart ? 1 : 0, openEnd ? -1 : undefined);
  const text = inner.map((unit) => (isQuoted && unit.length > 1 ? unit.replace('\\', '') : unit)).join('');
  return { kind: 'literal', ...place, quoted: isQuoted, text, openStart, openEnd };
}

/** Refuses what AIP-160 has and a filter here does not, or what is a slip: `f(x)`, `O'Brien`, `"a"b`. */
function refuseJoined(filter: string, token: Token, end: number): void {
  if (token.kind !== 'literal') return;
  const follows = filter.charAt(end);
  if (follows === '(' && !token.quoted) {
    throw queryError('filter', filter, token, 'is a function, and there are none', 'syntax');
  }
  if (follows === '"' || follows === "'" || (token.quoted && /[^\s():<>=!]/.test(follows))) {
    throw queryError('filter', filter, token, 'has no space before what follows: put the whole in quotes', 'syntax');
  }
}
