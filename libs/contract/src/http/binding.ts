import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { Cursor, cursor } from '../gen/codecs/rollcall/type/v1/cursor_pb.ts';
import { type HttpBinding, type Method } from '../methods.ts';
import { item_body as itemBody } from '../gen/codecs/rollcall/type/v1/item_body_pb.ts';
import { getOption } from '@bufbuild/protobuf';
import { findField, findFieldPath, type FieldPath } from './field-path.ts';
import { parsePathTemplate, type PathTemplate, type Variable } from './path-template.ts';

/** One way to reach a method over HTTP, checked against the method's messages. */
export interface Binding {
  readonly method: Method;
  readonly verb: string;
  readonly template: PathTemplate;
  readonly pathFields: readonly { readonly variable: Variable; readonly path: FieldPath }[];
  /** What the request body holds: nothing, the whole request, or one field of it. */
  readonly body: 'nothing' | 'request' | DescField;
  /** The one field that a message of a request stream may be in place of the whole request (item_body.proto). */
  readonly shortBody: DescField | undefined;
  /** The field of the response that the response body holds; undefined for the whole response. */
  readonly responseField: DescField | undefined;
  /** Whether each response holds a list, and each element is an item of the stream. */
  readonly responseItems: boolean;
  /** The request field that resumes a stream: it takes Last-Event-ID. */
  readonly resumeField: DescField | undefined;
  /** The field of an item that is its cursor: it is the event's id. */
  readonly eventIdField: DescField | undefined;
}

/** The bindings of a method. One without a rule is reached at `POST /{package.Service}/{Method}`. */
export function bindingsOf(method: Method): Binding[] {
  const rules: readonly HttpBinding[] =
    method.http.length > 0 ? method.http : [{ verb: 'POST', template: method.path, body: '*', responseBody: '' }];
  return rules.map((rule) => compileBinding(method, rule));
}

function compileBinding(method: Method, rule: HttpBinding): Binding {
  const fail = (what: string): never => {
    throw new Error(`${method.service}.${method.name}: google.api.http ${rule.verb} "${rule.template}": ${what}`);
  };
  const template = parsePathTemplate(rule.template);
  const pathFields = template.variables.map((variable) => {
    const path =
      findFieldPath(method.input, variable.fieldPath) ??
      fail(`${method.input.typeName} has no field ${variable.fieldPath}`);
    const kind = path.at(-1)?.fieldKind;
    if (kind !== 'scalar' && kind !== 'enum') fail(`${variable.fieldPath} is no single value`);
    return { variable, path };
  });
  const body =
    rule.body === ''
      ? 'nothing'
      : rule.body === '*'
        ? 'request'
        : (findField(method.input, rule.body) ?? fail(`${method.input.typeName} has no field ${rule.body}`));
  if ((rule.verb === 'GET' || rule.verb === 'DELETE') && body !== 'nothing') fail('it has a body');
  if (method.requestStream && body === 'nothing') fail('a request stream needs a body');
  const responseField =
    rule.responseBody === ''
      ? undefined
      : (findField(method.output, rule.responseBody) ??
        fail(`${method.output.typeName} has no field ${rule.responseBody}`));
  const responseItems = method.responseStream && responseField?.fieldKind === 'list';
  return {
    method,
    verb: rule.verb,
    template,
    pathFields,
    body,
    shortBody:
      method.requestStream && body === 'request'
        ? method.input.fields.find((field) => field.fieldKind === 'message' && getOption(field, itemBody))
        : undefined,
    responseField,
    responseItems,
    resumeField: method.input.fields.find((field) => getOption(field, cursor) === Cursor.RESUME_AFTER),
    eventIdField: eventIdField(responseField === undefined ? method.output : responseField.message),
  };
}

function eventIdField(item: DescMessage | undefined): DescField | undefined {
  return item?.fields.find(
    (field) =>
      field.fieldKind === 'scalar' && field.scalar !== ScalarType.BYTES && getOption(field, cursor) === Cursor.EVENT_ID,
  );
}
