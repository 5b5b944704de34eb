import { posix } from 'node:path';
import { clone, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  type FileDescriptorSet,
} from '@bufbuild/protobuf/wkt';
import { generatorOptions } from '../codec/options.ts';
import { runTool } from './tools.ts';

/**
 * Messages that ts-proto has types of its own for, such as `string | null` for a StringValue. The codecs give and take
 * them as the messages that they are; under another package, the generator writes just that.
 */
const plainFiles = new Set([
  'google/protobuf/struct.proto',
  'google/protobuf/wrappers.proto',
  'google/protobuf/empty.proto',
]);
const wellKnown = /^\.google\.protobuf\.(Struct|Value|ListValue|NullValue|Empty|\w+Value)(\.|$)/;
const plainPackage = 'google.protobuf.plain';

/**
 * Runs ts-proto over descriptors.
 *
 * @param own the files whose types are asked for; of what they import, that is written which they need
 * @returns the modules by their paths
 */
export function generateTypes(
  set: FileDescriptorSet,
  own: readonly string[],
  importSuffix: string,
): Map<string, string> {
  const options = generatorOptions.map((option) =>
    option.startsWith('importSuffix=') ? `importSuffix=${importSuffix}` : option,
  );
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: [...own],
    parameter: options.join(','),
    protoFile: set.file.map(withPlainMessages),
  });
  const output = runTool('protoc-gen-ts_proto', [], { input: toBinary(CodeGeneratorRequestSchema, request) });
  const { error, file } = fromBinary(CodeGeneratorResponseSchema, output);
  if (error !== '') throw new Error(`ts-proto: ${error}`);
  const modules = new Map(file.map(({ name, content }) => [name, named(content)]));
  return reached(
    modules,
    own.map((name) => name.replace(/\.proto$/, '.ts')),
  );
}

function withPlainMessages(file: FileDescriptorProto): FileDescriptorProto {
  const changed = clone(FileDescriptorProtoSchema, file);
  if (plainFiles.has(changed.name)) changed.package = plainPackage;
  const plain = (type: string): string => (wellKnown.test(type) ? type.replace('google.protobuf', plainPackage) : type);
  const visit = ({ field, nestedType }: Pick<FileDescriptorProto['messageType'][number], 'field' | 'nestedType'>) => {
    for (const each of field) each.typeName = plain(each.typeName);
    nestedType.forEach(visit);
  };
  changed.messageType.forEach(visit);
  for (const { method } of changed.service)
    for (const each of method) {
      each.inputType = plain(each.inputType);
      each.outputType = plain(each.outputType);
    }
  return changed;
}

/** The package that these messages have elsewhere is none of the reader's business. */
function named(content: string): string {
  return content.replaceAll(plainPackage, 'google.protobuf').replaceAll('GOOGLE_PROTOBUF_PLAIN_', 'GOOGLE_PROTOBUF_');
}

/** The modules that some import, those themselves among them: types of options stand in no message. */
function reached(modules: ReadonlyMap<string, string>, from: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (name: string): void => {
    const content = modules.get(name);
    if (content === undefined || found.has(name)) return;
    found.set(name, content);
    for (const [, specifier = ''] of content.matchAll(/ from "(\.[^"]+)"/g))
      visit(posix.join(posix.dirname(name), specifier).replace(/(\.[jt]s)?$/, '.ts'));
  };
  from.forEach(visit);
  return found;
}
