// A process that attacks, until it is told to stop by the end of its standard input: `node main.ts NAME TARGET`, where
// TARGET is a Target as JSON. It writes a line when it begins, and at its end how much it has done.
import type { Target } from './attack.ts';
import { attacks } from './attacks.ts';

const [name, target = '{}'] = process.argv.slice(2);
const attack = attacks.find((each) => each.name === name);
if (attack === undefined) throw new Error(`no attack is called "${name}"`);

const stop = new AbortController();
process.stdin.on('end', () => stop.abort()).resume();
console.log('attacking');
console.log(String(await attack.run(JSON.parse(target) as Target, stop.signal)));
process.exit(0); // whatever is still being closed
