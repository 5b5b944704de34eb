/**
 * A line of CSV. A text that spreadsheets would take for a formula gets an apostrophe before it: names are what people
 * make of them.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4180 and https://owasp.org/www-community/attacks/CSV_Injection
 */
export function csvLine(values: readonly (string | number | undefined)[]): string {
  const cells = values.map((value) => {
    const text = String(value ?? '');
    const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${cells.join(',')}\r\n`;
}
