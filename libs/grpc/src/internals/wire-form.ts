/**
 * What grpc-js writes in another way than the specification asks for, so that strict peers take note of it: binary values
 * of metadata with padding, and a message beside the status of a call that went well. It has no public way to change that.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import { Metadata, status as Status, type StatusObject } from '@grpc/grpc-js';
import interceptors from '@grpc/grpc-js/build/src/server-interceptors.js';

type Headers = Record<string, string | string[]>;

/** What this file replaces. */
interface MetadataBelow {
  toHttp2Headers: (this: Metadata) => Headers;
}
interface ServerCallBelow {
  sendStatus: (this: ServerCallBelow, status: Partial<StatusObject>) => void;
}

const metadata = Metadata.prototype as unknown as MetadataBelow;
const serverCall = (interceptors as unknown as { BaseServerInterceptingCall: { prototype: ServerCallBelow } })
  .BaseServerInterceptingCall.prototype;

/** What grpc-js itself does, for the test that tells when this file need not be any more. */
export const unchanged = { toHttp2Headers: metadata.toHttp2Headers, sendStatus: serverCall.sendStatus };

metadata.toHttp2Headers = function toHttp2Headers(this: Metadata): Headers {
  const headers = unchanged.toHttp2Headers.call(this);
  for (const name in headers) {
    if (!name.endsWith('-bin')) continue;
    const values = headers[name] ?? '';
    headers[name] = Array.isArray(values) ? values.map(withoutPadding) : withoutPadding(values);
  }
  return headers;
};

serverCall.sendStatus = function sendStatus(this: ServerCallBelow, status: Partial<StatusObject>): void {
  unchanged.sendStatus.call(this, status.code === Status.OK ? { ...status, details: '' } : status);
};

function withoutPadding(base64: string): string {
  return base64.replace(/=+$/, '');
}
