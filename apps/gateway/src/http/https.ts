import type { Server, ServerOptions } from 'node:https';
import type { TlsFiles } from '@rollcall/grpc';

/**
 * What an HTTPS listener is made with. It asks browsers for no certificates, whatever authorities are among the files.
 *
 * @param handshakeTimeout how long a client may take to shake hands, in milliseconds
 */
export function httpsOptions({ current }: TlsFiles, handshakeTimeout: number): ServerOptions {
  return { ...current.options, ca: undefined, requestCert: false, handshakeTimeout };
}

/** Has a listener show what the files hold, from its start to its end; connections that are open stay so. */
export function keepUp(server: Server, files: TlsFiles, handshakeTimeout: number): void {
  const unwatch = files.watch(() => server.setSecureContext(httpsOptions(files, handshakeTimeout)));
  server.once('close', unwatch);
}
