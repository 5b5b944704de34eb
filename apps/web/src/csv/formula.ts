/** What a spreadsheet takes for the beginning of a formula. @see https://owasp.org/www-community/attacks/CSV_Injection */
const sign = '[=+\\-@＝＋－＠\\t\\r]';

/**
 * Where a cell may begin: at the start of the text, and behind whatever some spreadsheet takes for a separator, for that
 * depends on the language of its user. Quotes and white space before the sign do not make it harmless.
 */
const start = '(^|[,;\\t\\r\\n])(["\\s]*)';

const formula = new RegExp(`${start}('*)(?=${sign})`, 'g');
const marked = new RegExp(`${start}'('*)(?=${sign})`, 'g');

/** Puts an apostrophe before each place of a text that a spreadsheet would take for a formula: names are what people make of them. */
export function withoutFormulas(text: string): string {
  return text.replace(formula, "$1$2'$3");
}

/** Takes those apostrophes away again. */
export function withFormulas(text: string): string {
  return text.replace(marked, '$1$2$3');
}
