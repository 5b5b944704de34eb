import { isKnownType } from '../directory/user.ts';
import { CsvReader } from './csv.ts';
import { importedFields, unreadable } from './readable.ts';

/** A row of a file: a user as the contract takes it, or why it is none. */
export type Row = { readonly line: number; readonly end: number } & (
  | { readonly user: object }
  | { readonly wrong: string; readonly field?: string }
);

const fields = ['id', 'name', 'email', 'age', 'type', 'createTime', 'updateTime'] as const;

/** The rows of a file, as it is read. Files whose name ends in `.csv` or `.tsv` are tables; all others have a JSON object a line. */
export async function* rowsOf(file: File): AsyncGenerator<Row> {
  const chunks = file.stream().pipeThrough(new TextDecoderStream());
  yield* /\.(csv|tsv)$/i.test(file.name) ? tableRows(chunks) : lineRows(chunks);
}

async function* lineRows(chunks: AsyncIterable<string>): AsyncGenerator<Row> {
  let [rest, line, end] = ['', 0, 0];
  const read = (text: string): Row[] => {
    line += 1;
    end += text.length + 1;
    return text.trim() === '' ? [] : [{ line, end, ...userInJson(text) }];
  };
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield* read(text);
  }
  yield* read(rest);
}

/** What a line says. The service ends an import at a line that is no user at all, so such a line is not sent. */
export function userInJson(text: string): { user: object } | { wrong: string; field?: string } {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return { wrong: 'is no JSON' };
  }
  const inner = typeof json === 'object' && json !== null && 'user' in json ? json.user : json;
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return { wrong: 'is no JSON object' };
  const user = importedFields(inner);
  return unreadable(user) ?? { user };
}

async function* tableRows(chunks: AsyncIterable<string>): AsyncGenerator<Row> {
  const reader = new CsvReader();
  let head: readonly string[] | undefined;
  let end = 0;
  const read = function* (rows: ReturnType<CsvReader['push']>): Generator<Row> {
    for (const { cells, line } of rows) {
      end += cells.join(',').length + 1;
      if (head === undefined) {
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

/** What a row of a table says. An empty cell says nothing. */
export function userInCells(
  head: readonly string[],
  cells: readonly string[],
): { user: object } | { wrong: string; field?: string } {
  const said = new Map(head.map((field, index) => [field, (cells[index] ?? '').trim()]));
  const text = (field: string): string | undefined => said.get(field) || undefined;
  const [id, name, email, age, type] = ['id', 'name', 'email', 'age', 'type'].map(text);
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
  return unreadable(user) ?? { user };
}
