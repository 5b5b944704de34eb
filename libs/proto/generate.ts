/** Writes all that is derived from `proto/`: descriptors to `gen/`, types to `src/gen/`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generatorOptions } from './src/codec-options.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const here = fileURLToPath(new URL('./', import.meta.url));
const bin = `${root}node_modules/.bin`;
/** Beside the types that are there, which stay until all of the new ones are. */
const types = `${here}src/gen.next`;

function buf(...args: string[]): void {
  execFileSync(`${bin}/buf`, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
  });
}

/** Messages and services for handlers and callers, with Observables for streams. */
function generateTypes(input: string, out: string, ...paths: string[]): void {
  generate(input, { local: 'protoc-gen-ts_proto', out, opt: generatorOptions, strategy: 'all' }, paths);
}

/** Messages with codecs, for what travels inside options, details and trailers. */
function generateCodecs(input: string, out: string, ...paths: string[]): void {
  generate(
    input,
    { local: 'protoc-gen-es', out, opt: ['target=ts', 'import_extension=ts'], include_imports: false },
    paths,
  );
}

function generate(input: string, plugin: object, paths: string[]): void {
  const template = JSON.stringify({ version: 'v2', plugins: [plugin] });
  buf('generate', input, '--template', template, ...paths.flatMap((path) => ['--path', path]));
}

rmSync(types, { recursive: true, force: true });
mkdirSync(`${here}gen`, { recursive: true });

buf('build', '.', '-o', `${here}gen/rollcall.binpb`, '--path', 'proto/rollcall', '--path', 'proto/third_party/grpc');
buf('build', '.', '-o', `${here}gen/testing.binpb`, '--path', 'proto/testing/testing');
buf('build', '.', '-o', `${here}gen/interop.binpb`, '--path', 'proto/testing/grpc');
buf('build', 'proto/tutorial/user_manager', '-o', `${here}gen/tutorial-user-manager.binpb`);
buf('build', 'proto/tutorial/user_service', '-o', `${here}gen/tutorial-user-service.binpb`);

generateTypes('.', `${types}/types`, 'proto/rollcall', 'proto/third_party/grpc');
generateTypes('.', `${types}/testing`, 'proto/testing/testing', 'proto/testing/grpc');
generateTypes('proto/tutorial/user_manager', `${types}/types/tutorial`);
generateTypes('proto/tutorial/user_service', `${types}/types/tutorial`);
generateCodecs('.', `${types}/codecs`, 'proto/rollcall/type', 'proto/third_party/google');

// ts-proto writes the types of all that is imported; those of options stand in no message.
for (const unused of ['buf', 'google/api', 'google/protobuf/descriptor.ts', 'rollcall/type'])
  for (const out of ['types', 'testing']) rmSync(`${types}/${out}/${unused}`, { recursive: true, force: true });

rmSync(`${here}src/gen`, { recursive: true, force: true });
renameSync(types, `${here}src/gen`);
