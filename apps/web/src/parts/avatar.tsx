const hues = 8;

/** The first letters of a name, in a colour of the user's own. */
export function Avatar({ name, id }: { readonly name: string; readonly id: string }) {
  return (
    <span class={`avatar hue-${hueOf(id === '0' ? name : id)}`} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

function hueOf(text: string): number {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % hues;
}

function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = [words.at(0), words.length > 1 ? words.at(-1) : undefined].map(
    (word) => /^./u.exec(word ?? '')?.[0] ?? '',
  );
  return letters.join('').toUpperCase() || '?';
}
