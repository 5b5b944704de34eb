/** A row of a CSV file. */
export interface CsvRow {
  readonly cells: readonly string[];
  /** The line on which it begins, from 1. */
  readonly line: number;
  /** Whether it was longer than `maxRowLength`. It then has only the beginning of its cells. */
  readonly tooLong: boolean;
}

/** How long a row may be, in UTF-16 units: a quote that is never closed would otherwise take the whole file into one cell. */
export const maxRowLength = 1_000_000;

/**
 * Reads CSV in pieces. Cells are separated by commas, semicolons or tabs, whichever the first line has most of; rows end
 * with CR LF, LF or CR. A quote opens a quoted cell only at the beginning of the cell; elsewhere it stands for itself.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export class CsvReader {
  #separator: string | undefined;
  #head = '';
  #cells: string[] = [];
  #cell = '';
  #length = 0;
  /** Before a cell, in one without quotes, in one with quotes, or behind a quote in it, which may end the cell. */
  #state: 'before' | 'plain' | 'quoted' | 'closing' = 'before';
  #line = 1;
  #rowLine = 1;
  /** Whether the last character was a CR, whose LF may still come. */
  #afterCr = false;

  /** Takes a piece of the file, and gives the rows that are whole by it. */
  push(text: string): CsvRow[] {
    if (this.#separator !== undefined) return this.#read(text);
    this.#head += text;
    const first = firstLine(this.#head.slice(0, maxRowLength));
    if (first === undefined && this.#head.length < maxRowLength) return [];
    return this.#begin(first ?? '');
  }

  /** Gives the last row, if the file does not end with a line break. */
  end(): CsvRow[] {
    const rows = this.#separator === undefined ? this.#begin(this.#head) : [];
    if (this.#state !== 'before' || this.#cells.length > 0) this.#endRow(rows);
    return rows;
  }

  #begin(first: string): CsvRow[] {
    this.#separator = separatorOf(first);
    const text = this.#head.replace(/^\uFEFF/, '');
    this.#head = '';
    return this.#read(text);
  }

  #read(text: string): CsvRow[] {
    const rows: CsvRow[] = [];
    for (const character of text) {
      const isBreak = character === '\r' || (character === '\n' && !this.#afterCr);
      if (isBreak) this.#line += 1;
      if (this.#state === 'quoted') {
        if (character === '"') this.#state = 'closing';
        else this.#add(character);
      } else if (character === '\n' && this.#afterCr) {
        // the second half of a line break that has ended a row
      } else if (isBreak) this.#endRow(rows);
      else if (character === this.#separator) this.#endCell();
      else if (character === '"' && this.#state === 'before') this.#state = 'quoted';
      else if (character === '"' && this.#state === 'closing') {
        this.#add(character);
        this.#state = 'quoted';
      } else {
        this.#state = 'plain';
        this.#add(character);
      }
      this.#afterCr = character === '\r';
    }
    return rows;
  }

  #add(character: string): void {
    this.#length += character.length;
    if (this.#length <= maxRowLength) this.#cell += character;
  }

  #endCell(): void {
    this.#length += 1;
    if (this.#length <= maxRowLength) this.#cells.push(this.#cell);
    this.#cell = '';
    this.#state = 'before';
  }

  #endRow(rows: CsvRow[]): void {
    const isEmpty = this.#state === 'before' && this.#cells.length === 0;
    const tooLong = this.#length > maxRowLength;
    if (!isEmpty) rows.push({ cells: [...this.#cells, this.#cell], line: this.#rowLine, tooLong });
    this.#cells = [];
    this.#cell = '';
    this.#length = 0;
    this.#state = 'before';
    this.#rowLine = this.#line;
  }
}

/** The first line, when there is all of it. */
function firstLine(text: string): string | undefined {
  return /^[^\r\n]*(?=[\r\n])/.exec(text)?.[0];
}

function separatorOf(line: string): string {
  const plain = line.replace(/"[^"]*"/g, '');
  const count = (separator: string): number => plain.split(separator).length;
  return [',', ';', '\t'].toSorted((a, b) => count(b) - count(a))[0] ?? ',';
}
