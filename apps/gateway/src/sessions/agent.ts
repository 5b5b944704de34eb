/** What browsers call themselves, the most particular first: most also name those that they are like. */
const families: readonly (readonly [name: string, mark: RegExp])[] = [
  ['Edge', /\bEdgA?\//],
  ['Opera', /\bOPR\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bSafari\//],
  ['curl', /^curl\//],
];

const systems: readonly (readonly [name: string, mark: RegExp])[] = [
  ['Android', /\bAndroid\b/],
  ['iOS', /\b(?:iPhone|iPad)\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMacintosh\b/],
  ['Linux', /\bLinux\b/],
];

/** What signs in, in words of ours: `Firefox on Linux`; empty when it is none that is known. It is a hint for people. */
export function agentOf(userAgent: string | undefined): string {
  const said = userAgent?.slice(0, 1000) ?? '';
  const family = families.find(([, mark]) => mark.test(said))?.[0];
  const system = systems.find(([, mark]) => mark.test(said))?.[0];
  if (family === undefined) return '';
  return system === undefined ? family : `${family} on ${system}`;
}
