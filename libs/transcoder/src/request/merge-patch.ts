import type { DescMessage } from '@bufbuild/protobuf';
import { getOption } from '@bufbuild/protobuf';
import { FieldBehavior, fieldBehavior, isJsonMembers, type JsonMembers, findField } from '@rollcall/contract';

/**
 * The update mask of a JSON Merge Patch: each key that is present is a path, also when it is null, and the keys inside
 * a message are paths of their own. Fields that only the service sets are no part of it, nor is the etag, which is a
 * condition and no change.
 *
 * @returns paths in proto names
 * @see https://www.rfc-editor.org/rfc/rfc7396
 */
export function maskOfMergePatch(desc: DescMessage, patch: JsonMembers): string[] {
  return Object.entries(patch).flatMap(([key, value]) => {
    const field = findField(desc, key);
    if (field === undefined) return []; // it is refused with the rest of what cannot be read
    const behaviors = getOption(field, fieldBehavior);
    if (behaviors.includes(FieldBehavior.OUTPUT_ONLY) || behaviors.includes(FieldBehavior.IDENTIFIER)) return [];
    if (field.name === 'etag') return [];
    if (
      field.fieldKind === 'message' &&
      isJsonMembers(value) &&
      !field.message.typeName.startsWith('google.protobuf.')
    ) {
      return maskOfMergePatch(field.message, value).map((path) => `${field.name}.${path}`);
    }
    return [field.name];
  });
}
