import { withoutFormulas } from './formula.ts';

/** A line of CSV, which `CsvReader` and `withFormulas` read back as it was. @see https://www.rfc-editor.org/rfc/rfc4180 */
export function csvLine(values: readonly (string | number | undefined)[]): string {
  const cells = values.map((value) => {
    const text = typeof value === 'string' ? withoutFormulas(value) : String(value ?? '');
    return /[",;\s]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(',')}\r\n`;
}
