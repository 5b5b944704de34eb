import { type DescMessage, hasOption, type Message } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import {
  field as fieldRules,
  message as messageRules,
  oneof as oneofRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { isCertainlyValid } from './certainly-valid.ts';
import { tooLongTexts } from './too-long-texts.ts';
import type { Violation } from './violation.ts';

const validator = createValidator();
const withRules = new WeakMap<DescMessage, boolean>();

/**
 * Checks a message against the `buf.validate` rules of its proto.
 *
 * @returns the broken rules, none when the message is valid
 * @throws Error when a rule itself cannot be compiled
 */
export function validate(desc: DescMessage, message: Message): Violation[] {
  if (isCertainlyValid(desc, message)) return [];
  const tooLong = tooLongTexts(desc, message);
  if (tooLong.length > 0) return tooLong;
  const result = validator.validate(desc, message);
  if (result.kind === 'valid') return [];
  if (result.kind === 'error') throw result.error;
  return result.violations.map((violation) => ({
    field: pathToString(violation.field),
    rule: violation.ruleId,
    description: violation.message,
  }));
}

/** Whether a message, or one inside it, has any rule. A message without rules need not be decoded to be checked. */
export function hasRules(desc: DescMessage): boolean {
  const known = withRules.get(desc) ?? searchRules(desc, new Set());
  withRules.set(desc, known);
  return known;
}

function searchRules(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(desc)) return false; // a message that holds itself
  seen.add(desc);
  return (
    hasOption(desc, messageRules) ||
    desc.oneofs.some((oneof) => hasOption(oneof, oneofRules)) ||
    desc.fields.some(
      (field) => hasOption(field, fieldRules) || (field.message !== undefined && searchRules(field.message, seen)),
    )
  );
}
