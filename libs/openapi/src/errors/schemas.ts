import type { DescEnum, JsonObject } from '@bufbuild/protobuf';
import { commentOf } from '../writing/comments.ts';
import { codes, problemFor } from './responses.ts';
import { compact, refTo } from '../writing/json.ts';

/** The names of the schemas that errors have. */
export const errorSchemaNames = ['Problem', 'FieldViolation', 'ErrorReason'] as const;

/**
 * The schemas of errors, by name.
 *
 * @param reasons lists the reasons that are known, each with its comment
 */
export function errorSchemas(reasons: DescEnum | undefined): Record<(typeof errorSchemaNames)[number], JsonObject> {
  const known = reasons?.values.filter(({ number }) => number !== 0);
  const told = known?.map((value) => `- \`${value.localName}\`: ${commentOf(value).replaceAll('\n', ' ')}`) ?? [];
  const statuses = codes.map((code) => `- \`${code}\`: ${problemFor({ code }).status}`).join('\n');
  return {
    Problem: {
      type: 'object',
      description: 'Why a call failed: a problem document after [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457).',
      required: ['type', 'title', 'status', 'detail', 'code', 'reason', 'requestId'],
      properties: {
        type: { type: 'string', const: 'about:blank' },
        title: { type: 'string', description: 'The phrase of the HTTP status.' },
        status: { type: 'integer', minimum: 400, maximum: 599, description: 'The HTTP status.' },
        detail: { type: 'string', description: 'What went wrong, as a sentence for people.' },
        code: {
          type: 'string',
          enum: codes,
          description: `What kind of failure it is: the name of a google.rpc.Code. The HTTP status follows from it, unless the reason has a finer one.\n\n${statuses}`,
        },
        reason: {
          description:
            'Which failure it is, for programs. A reason that is not listed is new: go by the code. Where the service gave none it is the code.',
          anyOf: [refTo('schemas', 'ErrorReason'), { type: 'string' }],
        },
        requestId: {
          type: 'string',
          description: 'Names the request in the logs of every process that it went through.',
        },
        fieldViolations: {
          type: 'array',
          items: refTo('schemas', 'FieldViolation'),
          description: 'The fields that are wrong.',
        },
        metadata: {
          type: 'object',
          additionalProperties: { type: 'string' },
          description: 'Facts about this failure, for programs.',
        },
        retryAfterMs: {
          type: 'number',
          minimum: 0,
          description: 'How long to wait before another try, in milliseconds.',
        },
      },
    },
    FieldViolation: {
      type: 'object',
      description: 'A field that is wrong.',
      required: ['field', 'description', 'reason'],
      properties: {
        field: {
          type: 'string',
          description: 'The path of the field from the request: `user.email`, `ids[3]`. Empty for the whole request.',
        },
        description: { type: 'string', description: 'Why it is wrong.' },
        reason: { type: 'string', description: 'Which rule it breaks, for programs, such as `string.max_len`.' },
      },
    },
    ErrorReason: compact({
      type: 'string',
      description:
        known === undefined ? 'The reason of a failure.' : `The known reasons of failures.\n\n${told.join('\n')}`,
      enum: known?.map(({ localName }) => localName),
    }),
  };
}
