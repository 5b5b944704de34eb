import { createFileRegistry, fromBinary, type FileRegistry } from '@bufbuild/protobuf';
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Contract } from '@rollcall/contract';

/**
 * The descriptors of contracts, such that a client can hold them all: two contracts without a package may each have a
 * `User`, and no client can hold both. The later one is given a name of its own, that of its service before it. What
 * travels has no names, so that nothing else changes.
 */
export function withOwnNames(contracts: readonly Contract[]): FileRegistry[] {
  const registries: FileRegistry[] = [];
  for (const { image, registry } of contracts) {
    const files = fromBinary(FileDescriptorSetSchema, image);
    const changed = files.file.filter((file) =>
      rename(file, (name) =>
        registries.some((earlier) => (earlier.get(name)?.file.proto.name ?? file.name) !== file.name),
      ),
    );
    registries.push(changed.length === 0 ? registry : createFileRegistry(files));
  }
  return registries;
}

/** Gives new names to what a file declares under names that are taken. @returns whether it declares any */
function rename(file: FileDescriptorProto, isTaken: (name: string) => boolean): boolean {
  const scope = file.package === '' ? '' : `${file.package}.`;
  const prefix = file.service[0]?.name ?? 'Other';
  const names = new Map<string, string>();
  for (const declared of [...file.messageType, ...file.enumType]) {
    if (!isTaken(`${scope}${declared.name}`)) continue;
    names.set(`.${scope}${declared.name}`, `.${scope}${prefix}${declared.name}`);
    declared.name = `${prefix}${declared.name}`;
  }
  const nameOf = (type: string): string => {
    for (const [old, name] of names)
      if (type === old || type.startsWith(`${old}.`)) return name + type.slice(old.length);
    return type;
  };
  const refer = ({ field, extension, nestedType }: DescriptorProto): void => {
    for (const each of [...field, ...extension]) each.typeName = nameOf(each.typeName);
    nestedType.forEach(refer);
  };
  if (names.size === 0) return false;
  file.messageType.forEach(refer);
  for (const method of file.service.flatMap((service) => service.method)) {
    method.inputType = nameOf(method.inputType);
    method.outputType = nameOf(method.outputType);
  }
  return true;
}
