import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvLine } from '../src/csv/csv-line.ts';
import { CsvReader, maxRowLength } from '../src/csv/csv-reader.ts';
import { withFormulas } from '../src/csv/formula.ts';

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
    { cells: ['name'], line: 1, tooLong: false },
    { cells: ['two\nlines'], line: 2, tooLong: false },
    { cells: ['three'], line: 4, tooLong: false },
  ]);
});

test('reads what it writes, in whatever pieces it comes', () => {
  const cell = fc.string({
    unit: fc.constantFrom('a', '"', ',', ';', '\t', '\n', '\r', ' ', 'é', "'", '=', '+', '-', '@', '＝'),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), fc.integer({ min: 1, max: 9 }), (rows, pieces) => {
      const table = [['x', 'y'], ...rows];
      const cells = read(table.map(csvLine).join(''), pieces).map((row) => row.map(withFormulas));
      expect(cells).toEqual(table);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@a', "'@a"],
  ['＝1', "'＝1"],
  ['\tx', `"'\tx"`],
  ["'=1", "''=1"],
  ["'Bob", "'Bob"],
  ['Ada;=1+1', `"Ada;'=1+1"`],
  ['Ada;"=1+1', `"Ada;""'=1+1"`],
  ['Ada\t =1+1', `"Ada\t '=1+1"`],
  ['a,-1', `"a,'-1"`],
  ['2-1', '2-1'],
])('writes %j so that no spreadsheet takes it, or a part of it, for a formula', (text, written) => {
  expect(csvLine([text])).toBe(`${written}\r\n`);
});

test('writes a number as it is', () => {
  expect(csvLine([-1])).toBe('-1\r\n');
});

test('takes a quote inside a cell for itself', () => {
  expect(read('name,x\n5" Bob,1\nAda "Countess" L,2\n"quoted" and on,3\nEve,4\n')).toEqual([
    ['name', 'x'],
    ['5" Bob', '1'],
    ['Ada "Countess" L', '2'],
    ['quoted and on', '3'],
    ['Eve', '4'],
  ]);
});

test('reads rows that end with CR, and all three line breaks in one file, and counts them', () => {
  const reader = new CsvReader();
  const rows = [
    ...reader.push('name\rAda\r'),
    ...reader.push('\nEve\nBob\r\r'),
    ...reader.push('Joe'),
    ...reader.end(),
  ];
  expect(rows.map(({ cells: [cell], line }) => [cell, line])).toEqual([
    ['name', 1],
    ['Ada', 2],
    ['Eve', 3],
    ['Bob', 4],
    ['Joe', 6],
  ]);
});

test('gives a row that is too long, such as one with a quote that nobody closes, without all of it, in one pass', () => {
  const reader = new CsvReader();
  const piece = 'x'.repeat(65_536);
  reader.push('name,age\n"');
  const rows = Array.from({ length: 64 }, () => reader.push(piece)).flat();
  rows.push(...reader.push('"\nAda,3\n'));
  expect(rows).toMatchObject([
    { line: 2, tooLong: true },
    { line: 3, tooLong: false, cells: ['Ada', '3'] },
  ]);
  expect(rows[0]?.cells.join('').length).toBeLessThanOrEqual(maxRowLength);
});
