import { type DescMessage, getOption, hasOption } from '@bufbuild/protobuf';
import { field as fieldRules, Ignore } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { Violation } from './violation.ts';

/** The texts of a message that have a greatest length, and the messages in it that have such texts. */
interface Texts {
  readonly own: readonly { readonly name: string; readonly localName: string; readonly max: number }[];
  readonly inner: readonly { readonly name: string; readonly localName: string; readonly desc: DescMessage }[];
}

const compiled = new WeakMap<DescMessage, Texts>();

/**
 * The texts that are far longer than their rules let them be. Of those protovalidate asks every rule, and a pattern of a
 * text of a megabyte takes much longer than its length does.
 *
 * @param message a message of protobuf-es
 */
export function tooLongTexts(desc: DescMessage, message: object, at = ''): Violation[] {
  const { own, inner } = textsOf(desc);
  const values = message as Readonly<Record<string, unknown>>;
  const found: Violation[] = [];
  for (const { name, localName, max } of own) {
    const text = values[localName];
    // A character takes two units at the most.
    if (typeof text === 'string' && text.length > 2 * max)
      found.push({ field: at + name, rule: 'string.max_len', description: `must be at most ${max} characters` });
  }
  for (const { name, localName, desc: innerDesc } of inner) {
    const value = values[localName];
    if (typeof value === 'object' && value !== null) found.push(...tooLongTexts(innerDesc, value, `${at}${name}.`));
  }
  return found;
}

function textsOf(desc: DescMessage): Texts {
  const known = compiled.get(desc);
  if (known !== undefined) return known;
  const asked = desc.fields.filter(
    (field) =>
      field.oneof === undefined &&
      !(hasOption(field, fieldRules) && getOption(field, fieldRules).ignore === Ignore.ALWAYS),
  );
  const texts: Texts = {
    own: asked.flatMap((field) => {
      if (field.fieldKind !== 'scalar' || !hasOption(field, fieldRules)) return [];
      const { type } = getOption(field, fieldRules);
      const max = type.case === 'string' && type.value.maxLen > 0n ? Number(type.value.maxLen) : undefined;
      return max === undefined ? [] : [{ name: field.name, localName: field.localName, max }];
    }),
    inner: asked.flatMap(({ fieldKind, name, localName, message }) =>
      fieldKind === 'message' && !message.typeName.startsWith('google.protobuf.')
        ? [{ name, localName, desc: message }]
        : [],
    ),
  };
  compiled.set(desc, texts);
  return texts;
}
