import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvLine } from '../src/export/csv-line.ts';
import { CsvReader } from '../src/import/csv.ts';

const read = (text: string, pieces = 1): readonly string[][] => {
  const reader = new CsvReader();
  const size = Math.max(1, Math.ceil(text.length / pieces));
  const rows = Array.from({ length: pieces }, (_, index) => reader.push(text.slice(index * size, (index + 1) * size)));
  return [...rows.flat(), ...reader.end()].map(({ cells }) => [...cells]);
};

test('reads cells, quotes, line breaks in quotes, and a last line without an end', () => {
  expect(read('a,b\r\n1,"x, ""y""\r\nz"\n\n,\nlast,')).toEqual([
    ['a', 'b'],
    ['1', 'x, "y"\r\nz'],
    ['', ''],
    ['last', ''],
  ]);
});

test.each([',', ';', '\t'])('finds out that cells are separated by %j', (separator) => {
  expect(read(`name${separator}email\nAda${separator}"a${separator}b"`)).toEqual([
    ['name', 'email'],
    ['Ada', `a${separator}b`],
  ]);
});

test('leaves out the mark that spreadsheets put first, and says on which line a row begins', () => {
  const reader = new CsvReader();
  const rows = [...reader.push('\uFEFFname\n"two\nlines"\nthree'), ...reader.end()];
  expect(rows).toEqual([
    { cells: ['name'], line: 1 },
    { cells: ['two\nlines'], line: 2 },
    { cells: ['three'], line: 4 },
  ]);
});

test('reads what it writes, in whatever pieces it comes', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', ' ', 'é') });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), fc.integer({ min: 1, max: 9 }), (rows, pieces) => {
      const table = [['x', 'y'], ...rows];
      // A cell that would be taken for a formula comes back with its apostrophe.
      const expected = table.map((row) => row.map((text) => (/^[\r]/.test(text) ? `'${text}` : text)));
      expect(read(table.map(csvLine).join(''), pieces)).toEqual(expected);
    }),
  );
});

test.each(['=1+1', '+1', '-1', '@a', '\tx'])('writes %j so that no spreadsheet takes it for a formula', (text) => {
  expect(csvLine([text])).toBe(`'${text}\r\n`);
  expect(csvLine([-1])).toBe('-1\r\n');
});
