import type { AnyDesc, DescFile } from '@bufbuild/protobuf';
import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

/** An error that a method's comment announces. */
export interface AnnouncedError<Code extends string> {
  /** The name of the google.rpc.Code. */
  readonly code: Code;
  /** When it happens: `when no user has this id`. Empty when the comment does not say. */
  readonly when: string;
}

/**
 * The comment of a proto element as Markdown for callers of REST: lines of a paragraph joined, and proto names of
 * fields in backticks written as JSON has them. Empty without a comment, or when the image has none.
 */
export function commentOf(desc: AnyDesc): string {
  const place = placeOf(desc);
  const location = place?.file.proto.sourceCodeInfo?.location.find(
    ({ path }) => path.length === place.path.length && path.every((part, index) => part === place.path[index]),
  );
  return toMarkdown(location?.leadingComments || location?.trailingComments || '');
}

/** The first sentence of a comment, without its full stop. */
export function summaryOf(comment: string): string {
  const [paragraph = ''] = comment.split('\n', 1);
  return (/^.*?[.!?](?=\s|$)/.exec(paragraph)?.[0] ?? paragraph).replace(/\.$/, '');
}

/** The errors of the paragraph `Errors: CODE when …; CODE when ….`, and the codes that the rest of the comment names. */
export function announcedErrors<Code extends string>(comment: string, codes: readonly Code[]): AnnouncedError<Code>[] {
  const errors: AnnouncedError<Code>[] = [];
  const paragraph = /^Errors:\s*(.*)$/m.exec(comment)?.[1] ?? '';
  for (const clause of paragraph.split(/;\s+/)) {
    const [, name, when = ''] = /^([A-Z_]+)\b\s*(.*?)\.?$/.exec(clause) ?? [];
    const code = codes.find((known) => known === name);
    if (code !== undefined) errors.push({ code, when });
  }
  for (const [name] of comment.matchAll(/\b[A-Z][A-Z_]+\b/g)) {
    const code = codes.find((known) => known === name);
    if (code !== undefined && !errors.some((error) => error.code === code)) errors.push({ code, when: '' });
  }
  return errors;
}

function toMarkdown(comment: string): string {
  return comment
    .replace(/\r\n|[\r\u2028\u2029]/g, '\n')
    .split('\n')
    .filter((line) => !/^\s*buf:lint:/.test(line))
    .map((line) => line.replace(/^ /, '').trimEnd())
    .join('\n')
    .replace(/(\S)\n(?=[^\s*-])(?!\d+\.\s)/g, '$1 ') // a single line break within a paragraph
    .replace(/`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`/g, (_, name: string) => `\`${protoCamelCase(name)}\``)
    .trim();
}

/** Where an element stands in its file, in the form of google.protobuf.SourceCodeInfo.Location.path. */
function placeOf(desc: AnyDesc): { file: DescFile; path: number[] } | undefined {
  if (desc.kind === 'file' || desc.kind === 'extension') return undefined;
  const { field: ofFile } = FileDescriptorProtoSchema;
  const { field: ofMessage } = DescriptorProtoSchema;
  if (desc.kind === 'service') {
    return { file: desc.file, path: [ofFile.service.number, desc.file.proto.service.indexOf(desc.proto)] };
  }
  const parent = desc.parent === undefined ? undefined : placeOf(desc.parent);
  const inside = (number: number, index: number) =>
    parent && { file: parent.file, path: [...parent.path, number, index] };
  switch (desc.kind) {
    case 'message':
      return desc.parent === undefined
        ? { file: desc.file, path: [ofFile.messageType.number, desc.file.proto.messageType.indexOf(desc.proto)] }
        : inside(ofMessage.nestedType.number, desc.parent.proto.nestedType.indexOf(desc.proto));
    case 'enum':
      return desc.parent === undefined
        ? { file: desc.file, path: [ofFile.enumType.number, desc.file.proto.enumType.indexOf(desc.proto)] }
        : inside(ofMessage.enumType.number, desc.parent.proto.enumType.indexOf(desc.proto));
    case 'enum_value':
      return inside(EnumDescriptorProtoSchema.field.value.number, desc.parent.proto.value.indexOf(desc.proto));
    case 'field':
      return inside(ofMessage.field.number, desc.parent.proto.field.indexOf(desc.proto));
    case 'oneof':
      return inside(ofMessage.oneofDecl.number, desc.parent.proto.oneofDecl.indexOf(desc.proto));
    case 'rpc':
      return inside(ServiceDescriptorProtoSchema.field.method.number, desc.parent.proto.method.indexOf(desc.proto));
  }
}
