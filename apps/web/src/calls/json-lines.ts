import { CallError, type Problem, unreachable } from './problem.ts';

/**
 * The messages of an answer, one a line, as they come. @throws CallError when the stream fails, or was cut
 *
 * @see https://github.com/ndjson/ndjson-spec
 */
export async function* jsonLines<Item>({ body }: Response): AsyncGenerator<Item> {
  let rest = '';
  try {
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield itemIn<Item>(line);
    }
  } catch (error) {
    throw error instanceof CallError ? error : new CallError(unreachable);
  }
  if (rest !== '') yield itemIn<Item>(rest);
}

/** The last line of a stream that failed says why. */
function itemIn<Item>(line: string): Item {
  const item: Item & { error?: Problem } = JSON.parse(line);
  if (item.error !== undefined) throw new CallError(item.error);
  return item;
}
