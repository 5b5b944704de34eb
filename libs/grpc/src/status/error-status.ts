import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack, anyUnpack, DurationSchema } from '@bufbuild/protobuf/wkt';
import { createRegistry } from '@bufbuild/protobuf';
import { Metadata, type ServiceError, status as Status, type StatusObject } from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema, StatusSchema } from '@rollcall/contract';
import { type ErrorDetails, RpcError } from './rpc-error.ts';

const detailsTrailer = 'grpc-status-details-bin';
const registry = createRegistry(ErrorInfoSchema, BadRequestSchema, RetryInfoSchema);

/** The longest message and the most violations that are sent: trailers share the header limit of 16 KiB that peers have by default. */
const maxMessageLength = 1024;
const maxViolations = 16;
const maxViolationLength = 200;

/**
 * The status and trailers that tell a caller of this error, with google.rpc.Status in `grpc-status-details-bin`.
 *
 * @param domain whose reasons they are, as google.rpc.ErrorInfo tells it; when it is empty, nothing is told of them
 */
export function statusOf(error: RpcError, domain: string, trailers: Metadata = new Metadata()): StatusObject {
  const message = sendable(error.message, maxMessageLength);
  if (trailers.get(detailsTrailer).length === 0) trailers.set(detailsTrailer, encodedStatus(error, domain, message));
  return { code: error.code, details: message, metadata: trailers };
}

/** The last errors without facts of their own, encoded: whoever is refused again and again is told the same. */
const encodedStatuses = new Map<string, Buffer>();
const maxEncoded = 200;

function encodedStatus(error: RpcError, domain: string, message: string): Buffer {
  const { metadata, violations, retryDelayMs, others, domain: ownDomain } = error.details;
  if ((metadata ?? violations ?? others ?? ownDomain) !== undefined) return encodeStatus(error, domain, message);
  const key = `${error.code} ${domain} ${error.reason} ${retryDelayMs} ${message}`;
  let bytes = encodedStatuses.get(key);
  if (bytes === undefined) {
    if (encodedStatuses.size >= maxEncoded) encodedStatuses.clear();
    encodedStatuses.set(key, (bytes = encodeStatus(error, domain, message)));
  }
  return bytes;
}

function encodeStatus(error: RpcError, domain: string, message: string): Buffer {
  const { metadata = {}, violations = [], retryDelayMs, others = [] } = error.details;
  const details: Any[] = [];
  // Facts, such as a cursor, must not be lost, and have to have a reason beside them.
  const told = error.reason !== '' || Object.keys(metadata).length === 0 ? error.reason : (Status[error.code] ?? '');
  const whose = error.details.domain ?? domain;
  if (told !== '' && whose !== '') {
    const info = { reason: told, domain: whose, metadata: sendableValues(metadata) };
    details.push(anyPack(ErrorInfoSchema, create(ErrorInfoSchema, info)));
  }
  if (violations.length > 0) {
    const fieldViolations = violations.slice(0, maxViolations).map(({ field, description, reason }) => ({
      field: sendable(field, maxViolationLength),
      description: sendable(description, maxViolationLength),
      reason: sendable(reason, maxViolationLength),
    }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (retryDelayMs !== undefined) {
    const retryDelay = create(DurationSchema, {
      seconds: BigInt(Math.floor(retryDelayMs / 1000)),
      nanos: Math.round((retryDelayMs % 1000) * 1e6),
    });
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  details.push(...others);
  const status = create(StatusSchema, { code: error.code, message, details });
  return Buffer.from(toBinary(StatusSchema, status));
}

/** The error that a peer's status tells of, with its rich details where it sent any. */
export function errorFromStatus(
  status: Partial<Pick<ServiceError, 'code'>> & Pick<ServiceError, 'details' | 'metadata'>,
): RpcError {
  const [encoded] = status.metadata?.get(detailsTrailer) ?? [];
  const { reason, ...details } = Buffer.isBuffer(encoded) ? readDetails(encoded) : { reason: '' };
  const code = knownCode(status.code);
  return new RpcError(code, reason, status.details || (Status[code] ?? ''), details);
}

/** A code that is none of gRPC's means UNKNOWN; grpc-js gives none at all to what it fails to read itself. */
function knownCode(code: Status | undefined): Status {
  if (code === undefined) return Status.INTERNAL;
  return Status[code] === undefined || code === Status.OK ? Status.UNKNOWN : code;
}

function readDetails(encoded: Buffer): ErrorDetails & { reason: string } {
  const read: { -readonly [K in keyof ErrorDetails]: ErrorDetails[K] } & { reason: string } = { reason: '' };
  const others: Any[] = [];
  try {
    for (const any of fromBinary(StatusSchema, encoded).details) {
      const detail = anyUnpack(any, registry);
      if (detail?.$typeName === 'google.rpc.ErrorInfo') {
        const info = anyUnpack(any, ErrorInfoSchema);
        read.reason = info?.reason ?? '';
        read.metadata = info?.metadata ?? {};
        read.domain = info?.domain ?? '';
      } else if (detail?.$typeName === 'google.rpc.BadRequest') {
        read.violations = (anyUnpack(any, BadRequestSchema)?.fieldViolations ?? []).map(
          ({ field, description, reason }) => ({ field, description, reason }),
        );
      } else if (detail?.$typeName === 'google.rpc.RetryInfo') {
        const delay = anyUnpack(any, RetryInfoSchema)?.retryDelay;
        if (delay !== undefined) read.retryDelayMs = Number(delay.seconds) * 1000 + delay.nanos / 1e6;
      } else others.push(any);
    }
    if (others.length > 0) read.others = others;
  } catch {
    return { reason: '' }; // a peer's details that cannot be read say nothing; the code and the message remain
  }
  return read;
}

/** Well-formed Unicode of a bounded length: a lone surrogate would throw in the transport, a long message would end the connection. */
function sendable(text: string, maxLength: number): string {
  return (text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text).toWellFormed();
}

function sendableValues(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata)
      .slice(0, maxViolations)
      .map(([key, value]) => [sendable(key, maxViolationLength), sendable(value, maxViolationLength)]),
  );
}
