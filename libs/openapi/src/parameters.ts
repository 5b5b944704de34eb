import { type DescField, type DescMessage, getOption, type JsonObject } from '@bufbuild/protobuf';
import { FieldBehavior, fieldBehavior, type Binding, jsonPath } from '@rollcall/contract';
import type { Examples } from './examples/examples.ts';
import { compact, refTo, text } from './writing/json.ts';
import type { Schemas } from './schemas/schemas.ts';
import { notNull } from './schemas/scalars.ts';
import { fitsQuery, type Conventions } from '@rollcall/transcoder';

/** Headers that requests may have, by the name of their component. */
export const headerParameters: Readonly<Record<string, JsonObject>> = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes it safe to send the request again: the same key with the same request gives the first answer. It is the `requestId` of the request.',
    schema: { type: 'string' },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'The ETag that was read, or a list of them. When the resource has none of them any more, the answer is 412 and nothing happens. `*` stands for any. A weak tag (`W/"…"`) counts as the strong one that it was made of: proxies that compress weaken them.',
    schema: { type: 'string' },
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description:
      'The ETag that is known, or a list of them. When one is the current one, the answer is 304 without a body. `*` stands for any.',
    schema: { type: 'string' },
  },
  LastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description:
      'The `id` of the last event that arrived: the stream goes on behind it. Browsers send it when they connect again.',
    schema: { type: 'string' },
  },
  GrpcTimeout: {
    name: 'Grpc-Timeout',
    in: 'header',
    description:
      'How long the caller waits: 1 to 8 digits and one of `H`, `M`, `S`, `m` (milliseconds), `u`, `n`, such as `500m`. Then the call is cancelled and the answer is 504.',
    schema: { type: 'string', pattern: '^[0-9]{1,8}[HMSmun]$' },
  },
  RequestId: {
    name: 'X-Request-Id',
    in: 'header',
    description:
      'Names the request in logs and in errors: 1 to 128 visible ASCII characters. One is made when it is missing or anything else.',
    schema: { type: 'string' },
  },
};

/** References to the headers that requests of a binding may have. */
export function headersOf(binding: Binding, conventions: Conventions): JsonObject[] {
  const names = [
    conventions.requestId !== undefined && 'IdempotencyKey',
    conventions.ifMatch !== undefined && 'IfMatch',
    conventions.etag && binding.verb === 'GET' && 'IfNoneMatch',
    binding.resumeField !== undefined && 'LastEventId',
    'GrpcTimeout',
    'RequestId',
  ];
  return names.filter((name) => name !== false).map((name) => refTo('parameters', name));
}

/**
 * The query parameters of a binding: the request's fields that neither the path nor the body binds. Those of a request
 * stream go into its first message, where a field that every message needs has no place.
 */
export function queryParameters(
  binding: Binding,
  conventions: Conventions,
  schemas: Schemas,
  examples: Examples,
): JsonObject[] {
  const { body, method } = binding;
  if (body === 'request' && !method.requestStream) return [];
  const bound = new Set(binding.pathFields.map(({ path }) => jsonPath(path)));
  const taken = (field: DescField): boolean => field === body || field === conventions.updateMask;
  const needed = body === 'request' ? schemas.required(method.input) : [];
  return parametersOf(method.input, [], true);

  function parametersOf(desc: DescMessage, above: readonly DescField[], aboveRequired: boolean): JsonObject[] {
    const required = schemas.required(desc);
    return desc.fields.flatMap((field): JsonObject[] => {
      const path = [...above, field];
      if (bound.has(jsonPath(path)) || taken(field) || needed.includes(field)) return [];
      if (getOption(field, fieldBehavior).includes(FieldBehavior.OUTPUT_ONLY)) return [];
      const isRequired = aboveRequired && required.includes(field);
      if (fitsQuery(field)) return [parameter(path, field, isRequired)];
      const isMessage = field.fieldKind === 'message' && !field.message.typeName.startsWith('google.protobuf.');
      return isMessage && !above.some((outer) => outer.message === field.message)
        ? parametersOf(field.message, path, isRequired)
        : [];
    });
  }

  function parameter(path: readonly DescField[], field: DescField, required: boolean): JsonObject {
    const { schema, notes } = schemas.value(field);
    const { description, ...rest } = notNull(schema);
    return compact({
      name: jsonPath(path),
      in: 'query',
      description: text(
        schemas.describe(field, typeof description === 'string' ? [description, ...notes] : notes),
        binding.method.requestStream ? 'It goes into the first message.' : '',
      ),
      required: required || undefined,
      deprecated: field.deprecated || undefined,
      ...(field.fieldKind === 'list' && { style: 'form', explode: true }),
      schema: rest,
      example: required ? examples.value(field, 'request') : undefined,
    });
  }
}
