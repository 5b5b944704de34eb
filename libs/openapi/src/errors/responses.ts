import type { JsonObject } from '@bufbuild/protobuf';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { announcedErrors } from '../writing/comments.ts';
import { compact, refTo, text } from '../writing/json.ts';
import { type Problem, problemContentType, problemOf } from '@rollcall/transcoder';

const exampleRequestId = 'a3bb189e-8bf9-4888-9912-ace4e6543002';

/** The codes of google.rpc.Code that an error can have. */
export const codes = Object.keys(Status).filter(
  (name) => name !== 'OK' && !/^\d+$/.test(name),
) as (keyof typeof Status)[];

/** A failure that calls have in common. */
export interface GeneralError {
  readonly code: keyof typeof Status;
  readonly reason: string;
  readonly description: string;
  readonly detail: string;
}

/** The failures that calls have in common, each by the way HTTP answers it. */
const general = {
  invalid: {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    description: 'The request cannot be read, or a field breaks its rule. `fieldViolations` names each.',
    detail: 'name: must be at least 1 character',
  },
  notAcceptable: {
    code: 'INVALID_ARGUMENT',
    reason: 'NOT_ACCEPTABLE',
    description: 'The answer has none of the forms that Accept asks for.',
    detail: 'The answer comes as application/json.',
  },
  etagMismatch: {
    code: 'ABORTED',
    reason: 'ETAG_MISMATCH',
    description: 'The resource has changed since the etag was read. Read it again, then decide.',
    detail: 'The etag is not the current one.',
  },
  tooLarge: {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'REQUEST_TOO_LARGE',
    description: 'The body, or a message of the request stream, is larger than the server takes.',
    detail: 'The body is larger than 4194304 bytes.',
  },
  mediaType: {
    code: 'INVALID_ARGUMENT',
    reason: 'UNSUPPORTED_MEDIA_TYPE',
    description: 'The body is not of a type that this path takes.',
    detail: 'The body must be application/json, not text/plain.',
  },
  signIn: {
    code: 'UNAUTHENTICATED',
    reason: 'SIGN_IN_REQUIRED',
    description: 'Nobody is signed in, or the credential is not valid.',
    detail: 'Sign in first: send a credential as "authorization: Bearer …".',
  },
  notPermitted: {
    code: 'PERMISSION_DENIED',
    reason: 'NOT_PERMITTED',
    description: 'The caller may not do this.',
    detail: 'You may not call this method.',
  },
  exhausted: {
    code: 'RESOURCE_EXHAUSTED',
    reason: '',
    description:
      'Too much was asked for at once. `retryAfterMs` and Retry-After say when to try again, where it is known.',
    detail: 'Too many calls at once.',
  },
  internal: {
    code: 'INTERNAL',
    reason: 'INTERNAL',
    description: 'The server failed. Its log has the request id and the cause.',
    detail: 'The server failed.',
  },
  notOffered: {
    code: 'UNIMPLEMENTED',
    reason: 'NOT_OFFERED',
    description: 'The method is part of the contract, and this server does not offer it yet.',
    detail: 'This server does not offer the method yet.',
  },
  unavailable: {
    code: 'UNAVAILABLE',
    reason: 'UPSTREAM_UNAVAILABLE',
    description: 'The server that holds the answer cannot be reached. The call may be tried again.',
    detail: 'The service cannot be reached.',
  },
  deadline: {
    code: 'DEADLINE_EXCEEDED',
    reason: 'DEADLINE_EXCEEDED',
    description: 'The deadline passed before the answer was ready.',
    detail: 'The deadline passed.',
  },
} as const satisfies Record<string, GeneralError>;

/** The failure that stands for all the rest. */
const other: GeneralError = {
  code: 'CANCELLED',
  reason: 'CANCELLED',
  description:
    'Any other failure, such as a call that was cancelled. `status` and `code` say what kind it is, `reason` which.',
  detail: 'The call was cancelled.',
};

/** What there is to know of a call, to tell which errors it can have. */
export interface Failing {
  readonly comment: string;
  readonly hasBody: boolean;
  readonly hasPrecondition: boolean;
  /** Whether the contract says who may call. */
  readonly hasAccess: boolean;
}

/** The error responses of documents, and those of them that are the same for many operations, as components. */
export class ErrorResponses {
  readonly #components = new Map<string, JsonObject>();

  /** The responses of an operation, by HTTP status. What its comment announces is told in its own words. */
  of({ comment, hasBody, hasPrecondition, hasAccess }: Failing): Record<string, JsonObject> {
    const usual: GeneralError[] = [
      general.invalid,
      general.notAcceptable,
      ...(hasAccess ? [general.signIn, general.notPermitted] : []),
      ...(hasPrecondition ? [general.etagMismatch] : []),
      ...(hasBody ? [general.tooLarge, general.mediaType] : []),
      general.exhausted,
      general.internal,
      general.notOffered,
      general.unavailable,
      general.deadline,
    ];
    const responses: Record<string, JsonObject> = {};
    for (const error of usual) responses[String(problemFor(error).status)] = this.#shared(error);
    const own = Map.groupBy(
      announcedErrors(comment, codes).filter(
        ({ code, when }) => !(code === 'ABORTED' && hasPrecondition && /\betag\b/i.test(when)),
      ), // 412 says it
      ({ code }) => problemFor({ code }).status,
    );
    for (const [status, errors] of own) {
      const shared = usual.find((error) => problemFor(error).status === status);
      const sentences = errors.map(({ code, when }) => (when === '' ? `\`${code}\`.` : `\`${code}\` ${when}.`));
      const example = shared ?? errors.map(({ code, when }) => ({ code, detail: sentenceOf(when) }))[0];
      responses[String(status)] = compact({
        ...response(text(shared?.description, ...sentences), example && problemFor(example)),
        headers: example === undefined ? {} : headersFor(example),
      });
    }
    responses['default'] = this.#component('Error', response(other.description, problemFor(other)));
    return responses;
  }

  /** The responses that were referred to so far. */
  components(): JsonObject {
    return Object.fromEntries([...this.#components].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #shared(error: GeneralError): JsonObject {
    const problem = problemFor(error);
    return this.#component(
      problem.title.replaceAll(' ', ''),
      compact({ ...response(error.description, problem), headers: headersFor(error) }),
    );
  }

  #component(name: string, value: JsonObject): JsonObject {
    this.#components.set(name, value);
    return refTo('responses', name);
  }
}

/** The headers that tell more of an error. */
function headersFor({ code, reason = '' }: Pick<GeneralError, 'code'> & Partial<GeneralError>): JsonObject {
  if (code === 'UNAUTHENTICATED') return { 'WWW-Authenticate': refTo('headers', 'WwwAuthenticate') };
  const mayPass = code === 'UNAVAILABLE' || (code === 'RESOURCE_EXHAUSTED' && reason === '');
  return mayPass ? { 'Retry-After': refTo('headers', 'RetryAfter') } : {};
}

/** The problem that answers an error. The table of statuses is that of the answers. */
export function problemFor({
  code,
  reason = '',
  detail = '',
}: Pick<GeneralError, 'code'> & Partial<GeneralError>): Problem {
  const violations =
    reason === 'INVALID_FIELD'
      ? [{ field: 'name', description: 'must be at least 1 character', reason: 'string.min_len' }]
      : [];
  return problemOf(new RpcError(Status[code], reason, detail, { violations }), exampleRequestId);
}

/** `when no user has this id` as a sentence of its own. */
function sentenceOf(when: string): string {
  const clause = when.replace(/^(when|if) /, '');
  return clause === '' ? 'The call failed.' : `${clause[0]?.toUpperCase()}${clause.slice(1)}.`;
}

function response(description: string, example: Problem | undefined): JsonObject {
  const { fieldViolations, metadata, ...plain } = example ?? {};
  const written = compact({
    ...plain,
    fieldViolations: fieldViolations?.map((violation) => ({ ...violation })),
    metadata: { ...metadata },
  });
  return {
    description,
    content: { [problemContentType]: compact({ schema: refTo('schemas', 'Problem'), example: written }) },
  };
}
