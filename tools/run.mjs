// node tools/run.mjs [--in FOLDER] COMMAND …: installs what is missing, and runs one of the tools that come with the dependencies.
import { join } from 'node:path';
import { ensureInstalled, root, run } from './toolchain.mjs';

const words = process.argv.slice(2);
const folder = words[0] === '--in' ? words.splice(0, 2)[1] : '.';
const [command, ...args] = words;
await ensureInstalled();
process.exitCode = await run(command, args, { cwd: join(root, folder) });
