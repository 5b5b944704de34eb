import { fieldNames, findField } from '../fields.ts';
import { comparison, search } from './comparison.ts';
import { type Literal, type Token, tokensOf } from './lexer.ts';
import { everyone, type Filter } from './filter.ts';
import { type Place, queryError, type QueryFault } from '../query-error.ts';

/** How deep parentheses may lie in one another. It also bounds the recursion. */
const maxDepth = 64;

const maxComparisons = 100;

/**
 * Reads a filter in the language of AIP-160. An empty one lets everyone through.
 *
 * What differs: there are no functions and no values in parentheses, and `and`, `or`, `not` in small letters are refused
 * where AIP-160 would search for them.
 *
 * @throws RpcError INVALID_FIELD with the word that is wrong and its position
 * @see https://google.aip.dev/160
 */
export function parseFilter(filter: string): Filter {
  return new FilterParser(filter).filter();
}

/** A method for each rule of the grammar. */
class FilterParser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  #comparisons = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  filter(): Filter {
    if (this.#peek().kind === 'end') return everyone;
    const filter = this.#expression();
    if (this.#peek().kind !== 'end') throw this.#refuse(this.#peek(), 'comes where AND, OR or the end is expected');
    return filter;
  }

  /** Factors, with or without AND between them. */
  #expression(): Filter {
    const filters = [this.#factor()];
    while (this.#take('AND') || ['literal', 'NOT', '-', '('].includes(this.#peek().kind)) filters.push(this.#factor());
    return joined('and', filters);
  }

  /** Terms with OR between them: it binds tighter than AND. */
  #factor(): Filter {
    const filters = [this.#term()];
    while (this.#take('OR')) filters.push(this.#term());
    return joined('or', filters);
  }

  #term(): Filter {
    const sign = this.#peek();
    if (this.#take('NOT')) return { kind: 'not', filter: this.#simple() };
    if (!this.#take('-')) return this.#simple();
    if (this.#peek().start > sign.start + 1) throw this.#refuse(sign, 'has to stand right before what it negates');
    return { kind: 'not', filter: this.#simple() };
  }

  #simple(): Filter {
    const first = this.#peek();
    if (first.kind === 'literal') return this.#restriction(first);
    if (!this.#take('(')) throw this.#refuse(first, 'comes where a comparison is expected');
    this.#depth += 1;
    if (this.#depth > maxDepth) {
      throw this.#refuse(first, `lies in more than ${maxDepth} parentheses`, 'limit');
    }
    const filter = this.#expression();
    if (!this.#take(')')) throw this.#refuse(this.#peek(), 'comes where ) is expected');
    this.#depth -= 1;
    return filter;
  }

  #restriction(first: Literal): Filter {
    this.#comparisons += 1;
    if (this.#comparisons > maxComparisons) {
      throw this.#refuse(first, `is one comparison too many: a filter has at most ${maxComparisons}`, 'limit');
    }
    this.#at += 1;
    const by = this.#peek();
    if (by.kind !== 'comparator') {
      if (!first.quoted && /^(and|or|not)$/i.test(first.raw)) {
        throw this.#refuse(first, 'is no operator: write it in capitals, or in quotes to search for it');
      }
      return search(first);
    }
    const field = first.quoted ? undefined : findField(first.raw);
    if (field === undefined) throw this.#refuse(first, `is no field: the fields are ${fieldNames}`, 'field');
    this.#at += 1;
    const value = this.#peek();
    if (value.kind !== 'literal') throw this.#refuse(value, 'comes where a value is expected');
    this.#at += 1;
    return comparison(this.#text, field, by, value);
  }

  #peek(): Token {
    const next = this.#tokens[this.#at];
    if (next === undefined) throw new Error('a filter was read beyond its end');
    return next;
  }

  #take(kind: Token['kind']): boolean {
    const found = this.#peek().kind === kind;
    if (found) this.#at += 1;
    return found;
  }

  #refuse(place: Place, why: string, fault: QueryFault = 'syntax'): Error {
    return queryError('filter', this.#text, place, why, fault);
  }
}

function joined(kind: 'and' | 'or', filters: readonly Filter[]): Filter {
  const [only] = filters;
  return filters.length === 1 && only !== undefined ? only : { kind, filters };
}
