import type { ServerHttp2Session } from 'node:http2';
import { callerNotAdmitted } from '../status/call-errors.ts';
import { callerCertificate, callerNames } from './caller-names.ts';
import type { RpcError } from '../status/rpc-error.ts';
import type { TlsFiles } from './tls-files.ts';

/** Decides about a connection, once. @returns why its calls are refused; undefined when they are served */
export type Admission = (session: ServerHttp2Session) => RpcError | undefined;

/**
 * Admits the callers that the configuration names, or all that have shown a certificate when it names none. The bearer
 * of this process's own certificate is this process, which asks after its own health.
 */
export function admissionBy(files: TlsFiles): Admission {
  const admitted = new Set(files.callers);
  return (session) => {
    if (admitted.size === 0) return undefined;
    const names = callerNames(session);
    if (names.some((name) => admitted.has(name))) return undefined;
    const own = files.current.own?.raw;
    return own !== undefined && callerCertificate(session)?.raw.equals(own) === true
      ? undefined
      : callerNotAdmitted(names);
  };
}
