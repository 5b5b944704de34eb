/**
 * Path templates of google.api.http.
 *
 *     Template = "/" Segments [ ":" LITERAL ] ;    Segments = Segment { "/" Segment } ;
 *     Segment  = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segments ] "}" ;
 *
 * @see https://github.com/googleapis/googleapis/blob/master/google/api/http.proto
 */

/** A part of a path: a word that must stand there, any one segment, or all the segments that are left. */
export type Segment = { readonly literal: string } | '*' | '**';

/** A variable, and the segments that it takes: `start` to `end`, where -1 is the end of the path. */
export interface Variable {
  readonly fieldPath: string;
  readonly start: number;
  readonly end: number;
  /** Whether it may take several segments. Then `%2F` in it stays as it is, for it is no boundary. */
  readonly multi: boolean;
}

export interface PathTemplate {
  readonly source: string;
  readonly segments: readonly Segment[];
  readonly variables: readonly Variable[];
  /** The custom verb behind the colon; empty without one. */
  readonly verb: string;
}

/** @throws Error that says what is wrong with the template and where */
export function parsePathTemplate(source: string): PathTemplate {
  return new TemplateParser(source).parse();
}

class TemplateParser {
  readonly #source: string;
  readonly #segments: Segment[] = [];
  readonly #variables: Variable[] = [];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): PathTemplate {
    this.#expect('/');
    this.#parseSegments(true);
    const verb = this.#take(':') ? this.#literal() : '';
    if (this.#at < this.#source.length) this.#fail('unexpected character');
    const many = this.#segments.indexOf('**');
    if (many >= 0 && many < this.#segments.length - 1) this.#fail('** must be the last segment');
    const names = this.#variables.map(({ fieldPath }) => fieldPath);
    const twice = names.find((name, index) => names.indexOf(name) < index);
    if (twice !== undefined) this.#fail(`the variable ${twice} stands there twice`);
    return { source: this.#source, segments: this.#segments, variables: this.#variables, verb };
  }

  #parseSegments(variablesAllowed: boolean): void {
    do this.#parseSegment(variablesAllowed);
    while (this.#take('/'));
  }

  #parseSegment(variablesAllowed: boolean): void {
    if (this.#take('**')) this.#segments.push('**');
    else if (this.#take('*')) this.#segments.push('*');
    else if (this.#take('{')) {
      if (!variablesAllowed) this.#fail('a variable inside a variable');
      this.#parseVariable();
    } else this.#segments.push({ literal: this.#literal() });
  }

  #parseVariable(): void {
    const fieldPath = this.#match(/[A-Za-z_][\w]*(\.[A-Za-z_]\w*)*/y, 'a field path');
    const start = this.#segments.length;
    if (this.#take('=')) this.#parseSegments(false);
    else this.#segments.push('*');
    this.#expect('}');
    const taken = this.#segments.slice(start);
    const end = taken.includes('**') ? -1 : this.#segments.length;
    this.#variables.push({ fieldPath, start, end, multi: taken.length > 1 || end === -1 });
  }

  #literal(): string {
    return this.#match(/(?:[\w.~!$&'()+,;=@-]|%[\da-f]{2})+/iy, 'a word');
  }

  #match(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source)?.[0];
    if (found === undefined) return this.#fail(`expected ${what}`);
    this.#at += found.length;
    return found;
  }

  #take(token: string): boolean {
    if (!this.#source.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) this.#fail(`expected "${token}"`);
  }

  #fail(what: string): never {
    throw new Error(`path template "${this.#source}": ${what} at character ${this.#at + 1}`);
  }
}

/**
 * The value of a variable in a path that matches.
 *
 * @param segments the path's segments, still percent-encoded
 * @throws URIError when the percent-encoding is not valid UTF-8
 */
export function variableValue({ start, end, multi }: Variable, segments: readonly string[]): string {
  const taken = segments.slice(start, end === -1 ? undefined : end);
  if (!multi) return decodeURIComponent(taken[0] ?? '');
  return taken
    .map((segment) =>
      segment
        .split(/(%2f)/i)
        .map((part) => (/^%2f$/i.test(part) ? part : decodeURIComponent(part)))
        .join(''),
    )
    .join('/');
}
