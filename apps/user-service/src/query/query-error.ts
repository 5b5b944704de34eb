import { invalidFields, type RpcError } from '@rollcall/grpc';

/** Where a text is wrong. */
export interface Place {
  /** Where the word begins, in UTF-16 units from 0. */
  readonly start: number;
  /** The word as it is written; empty at the end of the text. */
  readonly raw: string;
}

/** What is wrong with a filter or an order, for programs. */
export type QueryFault = 'syntax' | 'field' | 'operator' | 'value' | 'limit';

/** How much of a word an error repeats, in characters. */
const maxShown = 40;

/**
 * An error for a word of a filter or an order: INVALID_ARGUMENT, with the word and its position in characters from 1.
 *
 * @param why goes on with a sentence that begins with the word: `is no field`
 */
export function queryError(
  field: 'filter' | 'order_by',
  text: string,
  { start, raw }: Place,
  why: string,
  fault: QueryFault,
): RpcError {
  const characters = Array.from(raw);
  const shown = characters
    .slice(0, maxShown)
    .map((character) => (/\p{Cc}/u.test(character) ? `U+${hex(character)}` : character))
    .concat(characters.length > maxShown ? '…' : '')
    .join('');
  const word = raw === '' ? 'the end' : /^["']/.test(raw) ? shown : `"${shown}"`;
  const position = Array.from(text.slice(0, start)).length + 1;
  return invalidFields([{ field, description: `${word} at position ${position} ${why}`, reason: `${field}.${fault}` }]);
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0');
}
