import type { Server, ServerOptions } from 'node:https';
import { handshakeTimeoutMs, type TlsFiles } from '@rollcall/grpc';

/** What an HTTPS listener is made with. It asks browsers for no certificates, whatever authorities are among the files. */
export function httpsOptions({ current }: TlsFiles): ServerOptions {
  return { ...current.options, ca: undefined, requestCert: false, handshakeTimeout: handshakeTimeoutMs };
}

/** Has a listener show what the files hold, from its start to its end; connections that are open stay so. */
export function keepUp(server: Server, files: TlsFiles): void {
  const unwatch = files.watch(() => server.setSecureContext(httpsOptions(files)));
  server.once('close', unwatch);
}
