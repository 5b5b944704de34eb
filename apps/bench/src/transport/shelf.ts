import type { shelf } from '@rollcall/contract/testing';

export const service = 'testing.v1.ShelfService';
export const readFilePath = `/${service}/ReadFile`;
export const streamBooksPath = `/${service}/StreamBooks`;

/** The messages of a stream: `count` books of some 100 bytes, `perMessage` in each. */
export function* books({
  count,
  perMessage,
}: {
  count: number;
  perMessage: number;
}): Generator<shelf.StreamBooksResponse> {
  for (let number = 0; number < count;) {
    const some = [];
    for (; some.length < perMessage && number < count; number += 1) some.push({ number: String(number).padEnd(100) });
    yield { books: some };
  }
}
