import type { UserJson } from '@rollcall/proto/json';
import { jsonLines } from '../calls/json-lines.ts';
import { CallError, problemIn, problemOf, sentence, unreachable } from '../calls/problem.ts';
import { tell } from '../shell/messages.tsx';
import { csvLine } from '../csv/csv-line.ts';

const columns = ['id', 'name', 'email', 'age', 'type', 'createTime', 'updateTime'] as const;

/** Reads an export to its end, and saves it as CSV. */
export async function saveAsCsv(address: string): Promise<void> {
  try {
    const lines = [csvLine(columns)];
    for await (const user of exported(address)) lines.push(csvLine(columns.map((column) => user[column])));
    save(new Blob([`\uFEFF${lines.join('')}`], { type: 'text/csv' }), 'users.csv'); // spreadsheets look for the mark
  } catch (error) {
    tell(`Nothing was saved. ${sentence(problemIn(error))}`, { kind: 'failed' });
  }
}

async function* exported(address: string): AsyncGenerator<UserJson> {
  const response = await fetch(address, { headers: { accept: 'application/x-ndjson' } }).catch(() => {
    throw new CallError(unreachable);
  });
  if (!response.ok) throw new CallError(await problemOf(response));
  yield* jsonLines<UserJson>(response);
}

/** Has the browser save a file. */
export function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
