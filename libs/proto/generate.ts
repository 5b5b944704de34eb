/** Writes all that is derived from `proto/`: descriptors to `gen/`, types to `src/gen/`. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFileRegistry, fromBinary, hasOption } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { generatorOptions } from '@rollcall/contract/codec-options';

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
  generate(input, { local: 'protoc-gen-ts_proto', out, opt: generatorOptions, strategy: 'all' }, only(paths));
}

/** Messages with codecs, for what travels inside options, details and trailers. */
function generateCodecs(input: string, out: string, ...paths: string[]): void {
  generate(
    input,
    { local: 'protoc-gen-es', out, opt: ['target=ts', 'import_extension=ts'], include_imports: false },
    only(paths),
  );
}

/** The types of messages in JSON, and nothing else, for programs that hold JSON alone, such as the page. */
function generateJsonTypes(input: string, out: string, ...paths: string[]): void {
  const opt = ['target=dts', 'import_extension=ts', 'json_types=true'];
  generate(input, { local: 'protoc-gen-es', out, opt, include_imports: false }, only(paths));
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const written = `${entry.parentPath}/${entry.name}`;
    writeFileSync(written.replace('_pb.d.ts', '_pb.ts'), jsonTypesIn(readFileSync(written, 'utf8')));
    rmSync(written);
  }
}

/** Leaves out of a generated file what is not about JSON. */
function jsonTypesIn(source: string): string {
  const found =
    source.match(/\/\*\*\n(?: \*.*\n)+export declare type \w+Json = (?:\{\n(?: .*\n|\n)*\}|[^{]+?);\n/g) ?? [];
  const text = found.map((type) => `\n${type.replace('export declare', 'export')}`).join('');
  const imports = [...source.matchAll(/^import type \{ (.+) \} from (.+);$/gm)].flatMap(([, names = '', from = '']) => {
    const used = names.split(', ').filter((name) => name.endsWith('Json') && new RegExp(`\\b${name}\\b`).test(text));
    return used.length === 0 ? [] : [`import type { ${used.join(', ')} } from ${from};\n`];
  });
  return `${source.slice(0, source.indexOf('\nimport'))}\n${imports.join('')}${text}`;
}

function generate(input: string, plugin: object, selection: string[]): void {
  buf('generate', input, '--template', JSON.stringify({ version: 'v2', plugins: [plugin] }), ...selection);
}

/** The tutorials' contracts have messages of the same names, and no package to tell them apart: each is built alone. */
const tutorials = ['user_manager', 'user_service', 'chat_server'];

function imageOf(tutorial: string): string {
  return `tutorial-${tutorial.replace('_', '-')}`;
}

/** What makes buf take these paths alone. */
function only(paths: string[]): string[] {
  return paths.flatMap((path) => ['--path', path]);
}

/** What makes buf build the one file of a tutorial. */
function fileOf(tutorial: string): string[] {
  return ['--config', `proto/tutorial/${tutorial}.buf.yaml`, '--path', `proto/tutorial/${tutorial}/${tutorial}.proto`];
}

rmSync(types, { recursive: true, force: true });
mkdirSync(`${here}gen`, { recursive: true });

// With the messages that say more about an error: they stand in trailers, and whoever reads those asks for them.
buf(
  'build',
  '.',
  '-o',
  `${here}gen/rollcall.binpb`,
  ...only(['proto/rollcall', 'proto/third_party/grpc', 'proto/third_party/google/rpc']),
);
buf('build', '.', '-o', `${here}gen/testing.binpb`, '--path', 'proto/testing/testing');
buf('build', '.', '-o', `${here}gen/interop.binpb`, '--path', 'proto/testing/grpc');
for (const tutorial of tutorials) buf('build', '.', '-o', `${here}gen/${imageOf(tutorial)}.binpb`, ...fileOf(tutorial));

generateTypes('.', `${types}/types`, 'proto/rollcall', 'proto/third_party/grpc');
generateTypes('.', `${types}/testing`, 'proto/testing/testing', 'proto/testing/grpc');
mkdirSync(`${types}/types/tutorial`);
for (const tutorial of tutorials) {
  const plugin = { local: 'protoc-gen-ts_proto', out: `${types}/tutorial`, opt: generatorOptions, strategy: 'all' };
  generate('.', plugin, fileOf(tutorial));
  renameSync(`${types}/tutorial/${tutorial}.ts`, `${types}/types/tutorial/${tutorial}.ts`);
  rmSync(`${types}/tutorial`, { recursive: true });
}
generateCodecs(
  '.',
  `${types}/codecs`,
  'proto/rollcall/type',
  'proto/rollcall/user/v1/access.proto',
  'proto/rollcall/user/v1/user.proto',
  'proto/third_party/buf',
  'proto/third_party/google',
);
generateJsonTypes(
  '.',
  `${types}/json`,
  'proto/rollcall/user/v1/user.proto',
  'proto/rollcall/user/v1/user_service.proto',
  'proto/rollcall/access/v1/access_service.proto',
  'proto/rollcall/chat/v1/chat_service.proto',
  'proto/rollcall/type/v1/error_reason.proto',
);

// ts-proto writes the types of all that is imported; those of options stand in no message. Batched calls are written and
// read by hand, in libs/grpc.
for (const unused of [
  'buf',
  'google/api',
  'google/protobuf/descriptor.ts',
  'rollcall/transport',
  'rollcall/type',
  'rollcall/user/v1/access.ts',
])
  for (const out of ['types', 'testing']) rmSync(`${types}/${out}/${unused}`, { recursive: true, force: true });

rmSync(`${here}src/gen`, { recursive: true, force: true });
renameSync(types, `${here}src/gen`);

// What any contract needs, and what the libraries are tested with, is of libs/contract. Options of ours import some of it.
const contract = `${root}libs/contract/`;
mkdirSync(`${contract}gen`, { recursive: true });
for (const part of [
  'gen/testing.binpb',
  'gen/interop.binpb',
  'src/gen/testing',
  'src/gen/codecs/google',
  'src/gen/codecs/rollcall/type/v1/cursor_pb.ts',
  'src/gen/codecs/rollcall/type/v1/item_body_pb.ts',
]) {
  rmSync(`${contract}${part}`, { recursive: true, force: true });
  cpSync(`${here}${part}`, `${contract}${part}`, { recursive: true });
  if (!part.startsWith('src/gen/codecs')) rmSync(`${here}${part}`, { recursive: true });
}
rmSync(`${here}src/gen/codecs/google/rpc`, { recursive: true });

// A right that nobody wrote down is a right that nobody has thought about. Protos of others are ruled in libs/access.
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(`${here}gen/rollcall.binpb`)));
const access = registry.getExtension('rollcall.user.v1.access');
if (access === undefined) throw new Error('there is no option for who may call');
const unruled = [...registry]
  .flatMap((desc) => (desc.kind === 'service' && !desc.typeName.startsWith('grpc.') ? desc.methods : []))
  .filter((method) => !hasOption(method, access))
  .map((method) => `${method.parent.typeName}.${method.name}`);
if (unruled.length > 0) {
  console.error(`Who may call these methods? They need the option (rollcall.user.v1.access): ${unruled.join(', ')}`);
  process.exitCode = 1;
}
