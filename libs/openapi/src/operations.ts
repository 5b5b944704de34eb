import type { JsonObject } from '@bufbuild/protobuf';
import type { Binding } from '@rollcall/contract';
import type { Bodies } from './bodies.ts';
import { commentOf, summaryOf } from './writing/comments.ts';
import type { ErrorResponses } from './errors/responses.ts';
import type { Examples } from './examples/examples.ts';
import { compact } from './writing/json.ts';
import { headersOf, queryParameters } from './parameters.ts';
import { pathParameters } from './paths.ts';
import type { Security } from './security.ts';
import type { Schemas } from './schemas/schemas.ts';
import type { Conventions } from '@rollcall/transcoder';

/** What operations are made with. */
export interface OperationParts {
  readonly schemas: Schemas;
  readonly examples: Examples;
  readonly bodies: Bodies;
  readonly errors: ErrorResponses;
  readonly security: Security;
}

/** What an operation is made of. */
export interface Described {
  readonly binding: Binding;
  readonly conventions: Conventions;
  readonly operationId: string;
  readonly tag: string;
  /** What the path's parameters are called, in their order. */
  readonly pathNames: readonly string[];
}

/** Describes one way to reach a method. */
export function operationOf(
  { binding, conventions, operationId, tag, pathNames }: Described,
  parts: OperationParts,
): JsonObject {
  const { schemas, examples, bodies, errors, security } = parts;
  const { method } = binding;
  const comment = commentOf(method.desc);
  const access = security.accessOf(method);
  const failures = errors.of({
    comment,
    hasBody: binding.body !== 'nothing',
    hasPrecondition: conventions.ifMatch !== undefined,
    hasAccess: access !== undefined,
  });
  return compact({
    tags: [tag],
    summary: summaryOf(comment) || method.name,
    description: [
      comment,
      access === undefined ? '' : `Who may call: ${access.who}.`,
      duplex(binding),
      `gRPC: \`${method.path.slice(1)}\``,
    ]
      .filter((paragraph) => paragraph !== '')
      .join('\n\n'),
    operationId,
    deprecated: method.desc.deprecated || undefined,
    security: security.of(binding),
    parameters: [
      ...pathParameters(binding, pathNames, schemas, examples),
      ...queryParameters(binding, conventions, schemas, examples),
      ...headersOf(binding, conventions),
    ],
    requestBody: bodies.request(binding, conventions),
    responses: { ...bodies.responses(binding, conventions), ...failures },
  });
}

function duplex({ method }: Binding): string {
  if (method.kind === 'bidi_streaming')
    return 'Both sides are streams: answers are sent while the request is still being read, also over HTTP/1.1.';
  return method.kind === 'client_streaming'
    ? 'The request is a stream: it may be sent bit by bit, and is answered at its end.'
    : '';
}
