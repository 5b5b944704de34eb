// Tells that a step goes on: on a terminal by a line that counts the seconds, elsewhere by a line now and then.
const inTerminalMs = 1000;
const elsewhereMs = 10_000;

/**
 * Says that a step begins, and while it lasts that it goes on.
 *
 * @param {string} step what is done, such as `building`
 * @returns {(() => void) & { at(what: string): void }} ends it; `at` names what is being worked at
 */
export function progress(step, out = process.stdout) {
  const started = Date.now();
  let what = '';
  const text = () => `${step} … ${what === '' ? '' : `${what}, `}${Math.round((Date.now() - started) / 1000)} s`;
  out.write(out.isTTY ? `${step} …` : `${step} …\n`);
  const timer = setInterval(
    () => out.write(out.isTTY ? `\r\x1b[K${text()}` : `${text()}\n`),
    out.isTTY ? inTerminalMs : elsewhereMs,
  );
  timer.unref();
  const end = () => {
    clearInterval(timer);
    if (out.isTTY) out.write(`\r\x1b[K${text()}\n`);
  };
  end.at = (next) => (what = next);
  return end;
}
