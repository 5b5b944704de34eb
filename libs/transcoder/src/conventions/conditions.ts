/**
 * Conditional requests by entity tags.
 *
 * Nothing here has a modification date, so If-Modified-Since and If-Unmodified-Since say nothing (RFC 9110 §13.1.3 and
 * §13.1.4: they are to be ignored then), and no ranges are served, so If-Range does not either (§13.1.5).
 *
 * One deviation: a weak tag in If-Match counts as the strong one that it was made of. By §13.1.1 it would match nothing,
 * but a proxy that compresses weakens the tags that pass through it (nginx does), and callers behind it have no others.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13
 */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { status as Status } from '@grpc/grpc-js';
import { invalidFields, RpcError } from '@rollcall/grpc';

/** Which versions of a resource are meant: any, or those with one of these opaque tags. */
type Versions = '*' | readonly string[];

/** The conditions of a request, read. */
export interface Conditions {
  readonly ifMatch: Versions | undefined;
  readonly ifNoneMatch: Versions | undefined;
}

/** What becomes of a request for a representation: it is answered, with 304, or with 412. */
export type Verdict = 'met' | 'not modified' | 'failed';

/** How many etags a condition may name. Each of them may cost a write a call. */
export const maxEtags = 16;

/**
 * Reads the conditions of a request; undefined when it has none.
 *
 * @throws RpcError INVALID_ARGUMENT when they cannot be read: a condition that is not understood is never left out
 */
export function conditionsOf(headers: IncomingHttpHeaders): Conditions | undefined {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match === undefined && noneMatch === undefined) return undefined;
  return { ifMatch: versions('If-Match', match), ifNoneMatch: versions('If-None-Match', noneMatch) };
}

/** Between two tags are commas, and an element may be empty. What is in a tag is any visible character but a quote. */
const element = /[ \t,]*(?:(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)|$)/y;

function versions(name: string, header: string | undefined): Versions | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  const tags = new Set<string>();
  element.lastIndex = 0;
  while (element.lastIndex < header.length) {
    const found = element.exec(header);
    if (found === null)
      throw invalidFields([
        { field: name, description: 'must be * or a list of etags in quotes, such as "a", "b"', reason: 'format' },
      ]);
    if (found[1] !== undefined) tags.add(found[1]);
  }
  if (tags.size > maxEtags)
    throw invalidFields([{ field: name, description: `names more than ${maxEtags} etags`, reason: 'too_many' }]);
  return [...tags];
}

/** Whether a verb asks for a representation; others that conditions are sent with change one. */
export function isRead(verb: string): boolean {
  return verb === 'GET' || verb === 'HEAD';
}

/**
 * Weighs the conditions of a request for a representation, in the order of RFC 9110 §13.2.2.
 *
 * @param etag the ETag header of the representation; undefined when it has none
 */
export function weigh({ ifMatch, ifNoneMatch }: Conditions, etag: string | undefined): Verdict {
  if (ifMatch !== undefined && !names(ifMatch, etag)) return 'failed';
  return ifNoneMatch !== undefined && names(ifNoneMatch, etag) ? 'not modified' : 'met';
}

function names(meant: Versions, etag: string | undefined): boolean {
  return meant === '*' || (etag !== undefined && meant.includes(etag.slice(1, -1)));
}

/**
 * The etags of which a resource has to have one for a write to be made; undefined when it may have any. A condition that
 * nothing can meet gives one that no resource has: so the write fails at its turn, behind a caller without rights and a
 * resource that is not there.
 *
 * @throws RpcError INVALID_ARGUMENT for If-None-Match with etags: a write can be bound to a version, and not to others
 */
export function etagsToWrite({ ifMatch, ifNoneMatch }: Conditions): readonly string[] | undefined {
  if (ifNoneMatch === '*') return [unmatchedEtag()];
  if (ifNoneMatch !== undefined && ifNoneMatch.length > 0)
    throw invalidFields([{ field: 'If-None-Match', description: 'can only be * in a write', reason: 'unsupported' }]);
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  const etags = ifMatch.filter((etag) => etag !== ''); // an empty one would be read as none
  return etags.length > 0 ? etags : [unmatchedEtag()];
}

/** An etag that no resource has. */
export function unmatchedEtag(): string {
  return randomBytes(24).toString('base64url');
}

/**
 * Refuses a write on a condition where no version can be asked for: what the method makes or changes has no etag.
 *
 * @throws RpcError ABORTED, answered with 412
 */
export function refuseVersions({ ifMatch }: Conditions): void {
  if (weigh({ ifMatch, ifNoneMatch: undefined }, undefined) === 'failed') throw preconditionFailed();
}

/** The error of a condition that is not met. */
export function preconditionFailed(): RpcError {
  return new RpcError(Status.ABORTED, 'ETAG_MISMATCH', 'The resource has none of the etags of If-Match.');
}

/** An ETag header; undefined for a text that no etag can hold. */
export function etagHeader(etag: string): string | undefined {
  return /^[\x21\x23-\x7e\x80-\xff]+$/.test(etag) ? `"${etag}"` : undefined;
}
