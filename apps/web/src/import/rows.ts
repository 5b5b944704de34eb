import { CallError } from '../calls/problem.ts';
import { isKnownType } from '../directory/user/user.ts';
import { type CsvRow, CsvReader, maxRowLength } from '../csv/csv-reader.ts';
import { withFormulas } from '../csv/formula.ts';
import { importedFields, unreadable } from './readable.ts';

/** A row of a file: a user as the contract takes it, or why it is none. */
export type Row = { readonly line: number; readonly end: number } & (
  | { readonly user: object }
  | { readonly wrong: string; readonly field?: string }
);

/** How large a user may be that the service takes in one line, in bytes of JSON. */
const maxRowBytes = 1024 * 1024 - 64;

const fields = ['id', 'name', 'email', 'age', 'type', 'createTime', 'updateTime'] as const;

const tooLong = `is longer than ${maxRowLength.toLocaleString('en')} characters`;

/**
 * The rows of a file, as it is read. Files whose name ends in `.csv` or `.tsv` are tables; all others have a JSON object a line.
 *
 * @throws CallError when the file cannot be read, or is not UTF-8
 */
export async function* rowsOf(file: File): AsyncGenerator<Row> {
  yield* /\.(csv|tsv)$/i.test(file.name) ? tableRows(textOf(file)) : lineRows(textOf(file));
}

/** What is not UTF-8 is refused: put right by guessing, names would be stored wrong. */
async function* textOf(file: File): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw unreadableFile('The file is not in UTF-8. Save it as "CSV UTF-8" or as UTF-8 text, and import it again.');
    }
  };
  const reader = file.stream().getReader();
  for (;;) {
    const { value, done } = await reader.read().catch(() => {
      throw unreadableFile('The file cannot be read. Perhaps it was moved or deleted.');
    });
    yield decode(value);
    if (done) return;
  }
}

function unreadableFile(detail: string): CallError {
  return new CallError({ status: 400, reason: 'MALFORMED_REQUEST', detail });
}

async function* lineRows(chunks: AsyncIterable<string>): AsyncGenerator<Row> {
  let [rest, line, end] = ['', 0, 0];
  let dropped = 0; // of a line that is too long, what was read and is not kept
  const read = (text: string): Row[] => {
    line += 1;
    end += dropped + text.length + 1;
    const isTooLong = dropped + text.length > maxRowLength;
    dropped = 0;
    if (isTooLong) return [{ line, end, wrong: tooLong }];
    return text.trim() === '' ? [] : [{ line, end, ...userInJson(text) }];
  };
  for await (const chunk of chunks) {
    const lines = chunk.split('\n');
    lines[0] = rest + (lines[0] ?? '');
    rest = lines.pop() ?? '';
    for (const text of lines) yield* read(text);
    if (rest.length > maxRowLength) {
      dropped += rest.length;
      rest = '';
    }
  }
  yield* read(rest);
}

/** A number that JavaScript would round stays as it was written. Browsers without that knowledge refuse it. */
function withAllDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) return value;
  return context?.source ?? `about ${value}`;
}

/** What a line says. The service ends an import at a line that is no user at all, so such a line is not sent. */
export function userInJson(text: string): { user: object } | { wrong: string; field?: string } {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''), withAllDigits);
  } catch {
    return { wrong: 'is no JSON' };
  }
  const inner = typeof json === 'object' && json !== null && 'user' in json ? json.user : json;
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return { wrong: 'is no JSON object' };
  const user = importedFields(inner);
  return unreadable(user) ?? tooLarge(user) ?? { user };
}

/** The service would end the import at such a row. */
function tooLarge(user: object): { wrong: string } | undefined {
  const { length } = new TextEncoder().encode(JSON.stringify(user));
  return length > maxRowBytes ? { wrong: 'is larger than 1 MiB' } : undefined;
}

async function* tableRows(chunks: AsyncIterable<string>): AsyncGenerator<Row> {
  const reader = new CsvReader();
  let head: readonly string[] | undefined;
  let end = 0;
  const read = function* (rows: readonly CsvRow[]): Generator<Row> {
    for (const { cells, line, tooLong: isTooLong } of rows) {
      end += cells.join(',').length + 1;
      if (isTooLong) yield { line, end, wrong: `${tooLong}; is a quote missing that closes a cell?` };
      else if (head === undefined) {
        head = cells.map(fieldOf);
        if (!head.includes('name'))
          yield { line, end, wrong: 'is no heading: it must name the columns, one of them "name"' };
      } else if (head.includes('name')) yield { line, end, ...userInCells(head, cells) };
    }
  };
  for await (const chunk of chunks) yield* read(reader.push(chunk));
  yield* read(reader.end());
}

/** The field that a heading names, however it is written. */
function fieldOf(heading: string): string {
  const word = heading
    .trim()
    .toLowerCase()
    .replace(/[\s_-]/g, '');
  const others: Readonly<Record<string, string>> = { mail: 'email', emailaddress: 'email', number: 'id' };
  return fields.find((field) => field.toLowerCase() === word) ?? others[word] ?? '';
}

/** What a row of a table says. An empty cell says nothing. Spaces are part of a name, and of nothing else. */
export function userInCells(
  head: readonly string[],
  cells: readonly string[],
): { user: object } | { wrong: string; field?: string } {
  const said = new Map(head.map((field, index) => [field, withFormulas(cells[index] ?? '')]));
  const text = (field: string): string | undefined => said.get(field)?.trim() || undefined;
  const [id, email, age, type] = ['id', 'email', 'age', 'type'].map(text);
  const name = said.get('name') || undefined;
  const typed = type && `USER_TYPE_${type.toUpperCase().replace(/^USER_TYPE_/, '')}`;
  if (typed !== undefined && !isKnownType(typed))
    return { field: 'type', wrong: `must be Normal, Administrator, Guest or Disabled, not "${type}"` };
  const [createTime, updateTime] = ['createTime', 'updateTime'].map(text);
  const user = importedFields({
    id,
    name,
    email,
    // What is no number stays as it is, to be told.
    age: age !== undefined && /^\d+$/.test(age) ? Number(age) : age,
    type: typed,
    createTime,
    updateTime,
  });
  return unreadable(user) ?? tooLarge(user) ?? { user };
}
