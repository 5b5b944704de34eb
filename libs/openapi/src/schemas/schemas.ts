import {
  create,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type JsonObject,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import {
  message as messageRules,
  MessageRulesSchema,
  oneof as oneofRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { FieldBehavior, fieldBehavior, validate, type FieldPath, isJsonObject } from '@rollcall/contract';
import { commentOf } from '../writing/comments.ts';
import { enumSchema } from './enums.ts';
import { compact, plain, refTo, text } from '../writing/json.ts';
import { celNotes, unknownNote } from './keywords.ts';
import type { ComponentNames, Reached } from '../writing/names.ts';
import { type Ruled, rulesOf, withRules } from './rules.ts';
import { orNull, scalarSchema, wellKnownSchema } from './scalars.ts';

/** Which form of a message is asked for. */
export interface Form {
  /** Fields that come from elsewhere, such as the path: the body need not hold them. */
  readonly without?: readonly FieldPath[];
  /** Whether it is a JSON Merge Patch: every field may be left out, and null clears. */
  readonly patch?: boolean;
}

/** The schemas of messages and enums, each made once, as a component, when it is first asked for. */
export class Schemas {
  readonly registry: Registry;
  readonly #names: ComponentNames;
  readonly #reached: Reached;
  readonly #components = new Map<string, JsonObject>();
  readonly #forms = new Map<string, string>();

  constructor(names: ComponentNames, reached: Reached, registry: Registry) {
    this.#names = names;
    this.#reached = reached;
    this.registry = registry;
  }

  /** The components made so far, by name. */
  components(): JsonObject {
    return Object.fromEntries([...this.#components].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Adds a component that stands for no message. */
  add(name: string, schema: JsonObject): void {
    this.#components.set(name, schema);
  }

  /** The schema of a message: a reference, or that of its own form in JSON. */
  message(desc: DescMessage, form: Form = {}): JsonObject {
    const wellKnown = wellKnownSchema(desc);
    if (wellKnown !== undefined) return wellKnown;
    const name = this.#names.of(desc);
    const without = (form.without ?? []).filter((path) => path.length > 0);
    if (without.length === 0 && form.patch !== true) return this.#component(name, () => this.#messageSchema(desc, {}));
    const key = JSON.stringify([name, form.patch === true, without.map((path) => path.map((field) => field.name))]);
    const known = this.#forms.get(key) ?? this.#names.unique(`${name}${form.patch === true ? 'Patch' : 'Body'}`);
    this.#forms.set(key, known);
    return this.#component(known, () => this.#messageSchema(desc, { ...form, without }));
  }

  /** The schema of a field's value, with its rules. */
  value(field: DescField, form: Form = {}): Ruled {
    return withRules(this.#plain(field, form), rulesOf(field, this.registry), field.enum);
  }

  /** The schema of one element of a list. */
  element(field: DescField): JsonObject {
    const { items } = this.value(field).schema;
    return isJsonObject(items) ? items : {};
  }

  /** What there is to say about a field: its comment, its rules without keywords, and how it behaves. */
  describe(field: DescField, notes: readonly string[]): string {
    const behaviors = getOption(field, fieldBehavior);
    const fixed = behaviors.includes(FieldBehavior.IMMUTABLE) || behaviors.includes(FieldBehavior.IDENTIFIER);
    const others = field.oneof?.fields.filter((other) => other !== field).map((other) => `\`${other.jsonName}\``) ?? [];
    return text(
      commentOf(field),
      ...notes,
      fixed ? 'It cannot be changed later.' : '',
      behaviors.includes(FieldBehavior.UNORDERED_LIST) ? 'The order has no meaning.' : '',
      behaviors.includes(FieldBehavior.NON_EMPTY_DEFAULT) ? 'When it is left out, the service chooses it.' : '',
      others.length > 0 ? `It is not set together with ${others.join(' or ')}.` : '',
    );
  }

  /** The fields that a request must have: those marked so, and those whose rules refuse them empty. */
  required(desc: DescMessage): DescField[] {
    const refused = new Set(validate(desc, create(desc)).map(({ field }) => field));
    return desc.fields.filter((field) => {
      const behaviors = getOption(field, fieldBehavior);
      if (behaviors.includes(FieldBehavior.OUTPUT_ONLY)) return false;
      return behaviors.includes(FieldBehavior.REQUIRED) || refused.has(field.name);
    });
  }

  #component(name: string, make: () => JsonObject): JsonObject {
    if (!this.#components.has(name)) {
      this.#components.set(name, {}); // a message may hold itself
      this.#components.set(name, make());
    }
    return refTo('schemas', name);
  }

  #plain(field: DescField, form: Form): JsonObject {
    const one = (): JsonObject => {
      if (field.enum !== undefined) return this.#component(this.#names.of(field.enum), () => enumSchema(field.enum));
      return field.message !== undefined ? this.message(field.message, form) : scalarSchema(field.scalar);
    };
    if (field.fieldKind === 'list') return { type: 'array', items: one() };
    return field.fieldKind === 'map' ? { type: 'object', additionalProperties: one() } : one();
  }

  #property(field: DescField, { without = [], patch = false }: Form): JsonObject {
    const inner = without.filter((path) => path[0] === field).map((path) => path.slice(1));
    const behaviors = getOption(field, fieldBehavior);
    // A patch goes into messages; lists and maps are replaced whole.
    const { schema, notes } = this.value(field, field.fieldKind === 'message' ? { without: inner, patch } : {});
    const clearable = patch && !behaviors.includes(FieldBehavior.REQUIRED);
    const { description, ...rest } = clearable ? orNull(schema) : schema;
    const said = compact({
      description: this.describe(field, typeof description === 'string' ? [description, ...notes] : notes),
      readOnly: behaviors.includes(FieldBehavior.OUTPUT_ONLY) || undefined,
      writeOnly: behaviors.includes(FieldBehavior.INPUT_ONLY) || undefined,
      deprecated: field.deprecated || undefined,
    });
    return { ...rest, ...said };
  }

  #messageSchema(desc: DescMessage, form: Form): JsonObject {
    const { without = [], patch = false } = form;
    const isElsewhere = (field: DescField): boolean => without.some((path) => path.length === 1 && path[0] === field);
    const fields = desc.fields.filter((field) => !isElsewhere(field));
    const required = patch
      ? []
      : this.#reached.inRequests.has(desc)
        ? this.required(desc)
        : fields.filter(alwaysWritten);
    const { notes, keywords } = messageConstraints(desc);
    return compact({
      type: 'object',
      description: text(
        patch ? `What to change in a ${desc.name}: a field without a key stays as it is.` : commentOf(desc),
        ...notes,
      ),
      properties: Object.fromEntries(fields.map((field) => [field.jsonName, this.#property(field, form)])),
      required: required.filter((field) => fields.includes(field)).map((field) => field.jsonName),
      // A later version may answer with more. What it is asked with is read by this one.
      additionalProperties: this.#reached.inRequests.has(desc) ? false : undefined,
      ...(patch ? {} : keywords),
      deprecated: desc.deprecated || undefined,
    });
  }
}

/** Whether ProtoJSON with default values has the field in every message. */
function alwaysWritten(field: DescField): boolean {
  if (field.fieldKind === 'list' || field.fieldKind === 'map') return true;
  return field.fieldKind !== 'message' && field.presence === FeatureSet_FieldPresence.IMPLICIT;
}

function messageConstraints(desc: DescMessage): { notes: string[]; keywords: JsonObject } {
  const notes: string[] = [];
  const required = desc.oneofs.filter((oneof) => hasOption(oneof, oneofRules) && getOption(oneof, oneofRules).required);
  const exactlyOne = required.map((oneof) => ({
    oneOf: oneof.fields.map((field) => ({ required: [field.jsonName] })),
  }));
  const rules = hasOption(desc, messageRules) ? toJson(MessageRulesSchema, getOption(desc, messageRules)) : {};
  for (const [rule, value] of isJsonObject(rules) ? Object.entries(rules) : []) {
    if (rule === 'cel' || rule === 'celExpression') notes.push(...celNotes(value));
    else if (rule === 'oneof' && Array.isArray(value))
      notes.push(...value.filter(isJsonObject).map((each) => oneofNote(desc, each)));
    else notes.push(unknownNote(`message.${rule}`, value));
  }
  return { notes, keywords: exactlyOne.length > 1 ? { allOf: exactlyOne } : (exactlyOne[0] ?? {}) };
}

function oneofNote(desc: DescMessage, { fields, required }: JsonObject): string {
  const names = Array.isArray(fields)
    ? fields.map((name) => `\`${desc.fields.find((field) => field.name === name)?.jsonName ?? plain(name)}\``)
    : [];
  return `${required === true ? 'Exactly' : 'At most'} one of ${names.join(', ')} is set.`;
}
