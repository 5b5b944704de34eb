import { fromBinary } from '@bufbuild/protobuf';
import { type Metadata, status as Status } from '@grpc/grpc-js';
import { StatusSchema } from '@rollcall/contract';
import { type RpcError, statusOf } from '@rollcall/grpc';
import { base64, headersOf } from './metadata.ts';

const detailsTrailer = 'grpc-status-details-bin';

/** How a call failed, with all that the other side said of it. */
export interface Failure {
  readonly code: Status;
  readonly message: string;
  /** A google.rpc.Status with the details, encoded; undefined when there are none. */
  readonly details: Buffer | undefined;
  readonly trailers: Metadata | undefined;
}

/**
 * What is told of a failed call.
 *
 * @param trailers those of the service's answer: details in them are passed on as they are
 * @param domain whose reasons those are that this side gives; when it is empty, they are not told
 */
export function failureOf(error: RpcError, trailers: Metadata | undefined, domain: string): Failure {
  const [received] = trailers?.get(detailsTrailer) ?? [];
  const [own] = statusOf(error, domain).metadata.get(detailsTrailer);
  const details = Buffer.isBuffer(received) ? received : Buffer.isBuffer(own) ? own : undefined;
  return { code: error.code, message: error.message, details, trailers };
}

/** The trailers that end an answer of gRPC or gRPC-Web. @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export function grpcTrailers(failure: Failure | undefined, trailers: Metadata | undefined): Record<string, string[]> {
  const metadata = failure?.trailers ?? trailers;
  return {
    ...(metadata && headersOf(metadata)),
    'grpc-status': [String(failure?.code ?? Status.OK)],
    ...(failure !== undefined && failure.message !== '' && { 'grpc-message': [percentEncoded(failure.message)] }),
    ...(failure?.details && { [detailsTrailer]: [base64(failure.details)] }),
  };
}

/** An error as Connect writes it in JSON. @see https://connectrpc.com/docs/protocol#error-end-stream */
export function connectError({ code, message, details }: Failure): object {
  const listed = details === undefined ? [] : fromBinary(StatusSchema, details).details;
  return {
    code: codeName(code),
    ...(message !== '' && { message }),
    ...(listed.length > 0 && {
      details: listed.map(({ typeUrl, value }) => ({
        type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1),
        value: base64(value),
      })),
    }),
  };
}

/** What Connect calls a code: `not_found`; its `canceled` has one l. */
function codeName(code: Status): string {
  return code === Status.CANCELLED ? 'canceled' : (Status[code] ?? 'UNKNOWN').toLowerCase();
}

/** Text as `grpc-message` has it: the bytes of UTF-8, each that is no printable character of ASCII as %XX. */
function percentEncoded(text: string): string {
  return text.replace(/[^ -$&-~]+/g, (part) => {
    let encoded = '';
    for (const byte of Buffer.from(part)) encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    return encoded;
  });
}
