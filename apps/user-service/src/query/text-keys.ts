/**
 * What makes two names the same to a search and an order: without regard to case, or to how Unicode composes a letter.
 * A sigma at the end of a word is any other sigma, so that the key of a part is a part of the key.
 */
export function nameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ');
}

/**
 * The same for addresses that differ in case or in how Unicode composes a letter alone. No two live users have addresses
 * of one key, and searches go by it. Who somebody is it does not say: `\u212A` (Kelvin) has the key of `k`.
 */
export function emailKey(email: string): string {
  return email.normalize('NFC').toLowerCase();
}

/** What makes two addresses those of the same person: they are equal but for the case of letters of ASCII. */
export function addressIdentity(email: string): string {
  return email.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Orders texts by code point, as a database orders their UTF-8. JavaScript's own `<` goes by UTF-16 unit. */
export function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The least text above all texts that begin with this one, by code point; undefined when there is none. */
export function textBehindPrefix(prefix: string): string | undefined {
  const characters = Array.from(prefix);
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    const point = last.codePointAt(0) ?? 0;
    // The surrogates, of which no text is made, lie between U+D7FF and U+E000.
    if (point < 0x10ffff) return characters.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return undefined;
}
