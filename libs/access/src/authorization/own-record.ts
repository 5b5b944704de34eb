import { type DescField, type DescMessage, getOption, hasOption } from '@bufbuild/protobuf';
import { FieldBehavior, fieldBehavior, type Method } from '@rollcall/contract';
import type { OwnRecordRule } from './access-rule.ts';
import { notPermitted } from '../errors/access-errors.ts';

/** Checks requests of callers who may call a method on their own record alone. */
export type OwnRecordCheck = (request: object, userId: string) => void;

/** Makes the check of a rule. It throws NOT_PERMITTED, before anybody looks whether the other record is there. */
export function ownRecordCheck({ input }: Method, rule: OwnRecordRule): OwnRecordCheck {
  const idPath = fieldsOf(input, rule.userIdField);
  const recordPath = rule.recordField === '' ? [] : fieldsOf(input, rule.recordField);
  const record = recordPath.at(-1)?.message;
  const free = new Set([...rule.fields, idPath.at(-1)?.name, ...(record?.fields ?? []).filter(isIgnored).map(nameOf)]);
  return (request, userId) => {
    if (valueAt(request, idPath) !== userId)
      throw notPermitted('You may do this to your own record alone.', 'it is the record of another user');
    if (record === undefined) return;
    const mask = (request as { readonly updateMask?: readonly string[] | null }).updateMask;
    const changed = mask != null && mask.length > 0 ? mask : setFields(record, valueAt(request, recordPath));
    const beyond = changed.find((path) => !free.has(path));
    if (beyond !== undefined) {
      const fields = [...rule.fields].join(', ');
      throw notPermitted(`Of your own record you may change ${fields}.`, `it would change ${beyond}`);
    }
  };
}

/** Fields that say nothing of how the record is to be: those that the service sets, and the etag. */
function isIgnored(field: DescField): boolean {
  const outputOnly =
    hasOption(field, fieldBehavior) && getOption(field, fieldBehavior).includes(FieldBehavior.OUTPUT_ONLY);
  return outputOnly || field.name === 'etag';
}

function nameOf({ name }: DescField): string {
  return name;
}

function fieldsOf(message: DescMessage, path: string): DescField[] {
  const fields: DescField[] = [];
  let within: DescMessage | undefined = message;
  for (const name of path.split('.')) {
    const field: DescField | undefined = within?.fields.find((each) => each.name === name);
    if (field === undefined) throw new Error(`${message.typeName} has no field ${path}`);
    fields.push(field);
    within = field.message;
  }
  return fields;
}

function valueAt(message: object, path: readonly DescField[]): unknown {
  let value: unknown = message;
  for (const { jsonName } of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[jsonName];
  }
  return value;
}

/** Without a mask, or with an empty one, all fields that are set are meant. @see https://google.aip.dev/134 */
function setFields(desc: DescMessage, record: unknown): string[] {
  const values = (record ?? {}) as Readonly<Record<string, unknown>>;
  return desc.fields
    .filter(({ jsonName }) => ![undefined, null, '', 0, '0', false].includes(values[jsonName] as string))
    .map(nameOf);
}
