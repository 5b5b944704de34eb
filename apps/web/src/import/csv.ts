/** A row of a CSV file. */
export interface CsvRow {
  readonly cells: readonly string[];
  /** The line on which it begins, from 1. */
  readonly line: number;
}

/**
 * Reads CSV in pieces. Cells are separated by commas, semicolons or tabs, whichever the first line has most of.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export class CsvReader {
  #separator: string | undefined;
  #rest = '';
  #line = 1;

  /** Takes a piece of the file, and gives the rows that are whole by it. */
  push(text: string): CsvRow[] {
    this.#rest += text;
    return this.#rows(false);
  }

  /** Gives the last row, if the file does not end with a line break. */
  end(): CsvRow[] {
    return this.#rows(true);
  }

  #rows(last: boolean): CsvRow[] {
    const rows: CsvRow[] = [];
    for (let end = endOfRow(this.#rest, last); end !== undefined; end = endOfRow(this.#rest, last)) {
      const text = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end);
      const content = text.replace(/\r?\n$/, '').replace(/^\uFEFF/, '');
      this.#separator ??= separatorOf(content);
      if (content !== '') rows.push({ cells: cellsOf(content, this.#separator), line: this.#line });
      this.#line += text.split('\n').length - 1;
    }
    return rows;
  }
}

/** Behind the line break that ends the first row: one outside of quotes. */
function endOfRow(text: string, last: boolean): number | undefined {
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"') quoted = !quoted;
    else if (text[at] === '\n' && !quoted) return at + 1;
  }
  return last && text !== '' ? text.length : undefined;
}

function separatorOf(line: string): string {
  const count = (separator: string): number => line.split(separator).length;
  return [',', ';', '\t'].toSorted((a, b) => count(b) - count(a))[0] ?? ',';
}

function cellsOf(row: string, separator: string): string[] {
  const cells: string[] = [];
  let [cell, quoted] = ['', false];
  for (let at = 0; at < row.length; at += 1) {
    const character = row[at] ?? '';
    if (character === '"' && quoted && row[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      cells.push(cell);
      cell = '';
    } else cell += character;
  }
  return [...cells, cell];
}
