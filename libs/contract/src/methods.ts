import { type DescMessage, type DescMethod, type DescService, getOption, hasOption } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { http } from './gen/codecs/google/api/annotations_pb.ts';
import type { HttpRule } from './gen/codecs/google/api/http_pb.ts';

/** Which sides of a call are streams. */
export type MethodKind = DescMethod['methodKind'];

/** One way to reach a method over HTTP, as google.api.http gives it. */
export interface HttpBinding {
  /** The verb in upper case, or `*` for every verb. */
  readonly verb: string;
  /** The path template, such as `/v1/users/{id}:undelete`. */
  readonly template: string;
  /** The request field that the body holds, `*` for all that the path does not bind, empty for no body. */
  readonly body: string;
  /** The response field that the body holds, empty for the whole response. */
  readonly responseBody: string;
}

/** A method, with all that its proto says of it. */
export interface Method {
  /** Its path over gRPC, such as `/library.v1.LibraryService/GetBook`. */
  readonly path: string;
  /** The full name of its service. */
  readonly service: string;
  /** Its name, such as `GetBook`. */
  readonly name: string;
  /** Its name in TypeScript, such as `getBook`. */
  readonly localName: string;
  readonly kind: MethodKind;
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** Whether the request, the response, or both are streams. */
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  /** How it is reached over HTTP: the rule, then its additional bindings; empty without a rule. */
  readonly http: readonly HttpBinding[];
  /** Whether it may be sent again without harm: idempotency_level is NO_SIDE_EFFECTS or IDEMPOTENT. */
  readonly idempotent: boolean;
  /** Whether it changes nothing: idempotency_level is NO_SIDE_EFFECTS. */
  readonly readOnly: boolean;
  /** The descriptor, for its comments and other options. */
  readonly desc: DescMethod;
}

/** The methods of a service, in the order of the proto. */
export function methodsOf(service: DescService): Method[] {
  return service.methods.map((desc) => ({
    path: `/${service.typeName}/${desc.name}`,
    service: service.typeName,
    name: desc.name,
    localName: desc.localName,
    kind: desc.methodKind,
    input: desc.input,
    output: desc.output,
    requestStream: desc.methodKind === 'client_streaming' || desc.methodKind === 'bidi_streaming',
    responseStream: desc.methodKind === 'server_streaming' || desc.methodKind === 'bidi_streaming',
    http: hasOption(desc, http) ? bindingsOf(getOption(desc, http), `${service.typeName}.${desc.name}`) : [],
    idempotent: desc.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
    readOnly: desc.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    desc,
  }));
}

function bindingsOf(rule: HttpRule, name: string): HttpBinding[] {
  const { pattern } = rule;
  if (pattern.case === undefined) throw new Error(`${name}: its google.api.http has no verb`);
  const [verb, template] =
    pattern.case === 'custom' ? [pattern.value.kind, pattern.value.path] : [pattern.case.toUpperCase(), pattern.value];
  const binding = { verb, template, body: rule.body, responseBody: rule.responseBody };
  return [binding, ...rule.additionalBindings.flatMap((additional) => bindingsOf(additional, name))];
}
