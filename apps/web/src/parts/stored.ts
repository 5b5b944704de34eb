/** What the browser keeps under a name, between visits. Nothing is kept where it may not be. */
export function stored(name: string): string | undefined {
  try {
    return localStorage.getItem(`rollcall.${name}`) ?? undefined;
  } catch {
    return undefined; // people can forbid it
  }
}

/** Keeps a text under a name; undefined forgets it. */
export function store(name: string, text: string | undefined): void {
  try {
    if (text === undefined) localStorage.removeItem(`rollcall.${name}`);
    else localStorage.setItem(`rollcall.${name}`, text);
  } catch {
    // it is full or forbidden, and what is in memory goes on
  }
}

/** As `stored`, of JSON. What cannot be read, or is not what it should be, is not there. */
export function storedJson<Kept>(name: string, isKept: (json: unknown) => json is Kept): Kept | undefined {
  const text = stored(name);
  if (text === undefined) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    return isKept(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
