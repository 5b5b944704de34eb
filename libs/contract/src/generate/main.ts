/** The command `contract-generate`: from a folder of protos, a module with their descriptors, and their types. */
import { parseArgs } from 'node:util';
import { generateContract } from './generate.ts';

const usage = `contract-generate [options] [FOLDER]

Writes what a service or a gateway needs of the protos in FOLDER (by default proto): types for handlers and callers, and
contract.ts with the descriptors. Imports in the protos are relative to FOLDER, or to a folder of --import;
google/api, google/rpc, buf/validate and the options that the libraries read come with this package.

  --out FOLDER          where to write; what stood there is replaced (src/gen)
  --import FOLDER       where imported protos are looked for, too; may be repeated
  --import-suffix TEXT  how the written files import each other: .js, .ts or nothing (.js)
  --help                says this

It runs buf and ts-proto: npm install --save-dev @bufbuild/buf ts-proto
`;

/** Runs the command with these arguments. @returns its exit code: 0, or 1 when it has said what is wrong */
export function main(args: readonly string[]): number {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        out: { type: 'string', default: 'src/gen' },
        import: { type: 'string', multiple: true, default: [] },
        'import-suffix': { type: 'string', default: '.js' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    const [folder = 'proto', ...more] = positionals;
    if (more.length > 0) throw new Error('one folder of protos at a time; further ones that it imports are --import');
    const { out, import: imports, 'import-suffix': importSuffix } = values;
    const { services, files } = generateContract({ folder, out, imports, importSuffix });
    process.stdout.write(`${out}: ${files} files, ${services.length === 0 ? 'no service' : services.join(', ')}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`contract-generate: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}
