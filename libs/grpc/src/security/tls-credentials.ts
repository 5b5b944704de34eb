// oxlint-disable no-underscore-dangle -- so grpc-js names what its subclasses are to implement
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { ChannelCredentials, experimental, ServerCredentials } from '@grpc/grpc-js';
import type { TlsFiles } from './tls-files.ts';

type Watcher = Parameters<ServerCredentials['_addWatcher']>[0];

/**
 * The credentials of a listener. Of callers it asks certificates when the files have authorities to verify them by. New
 * connections get what the files hold by then. Sessions are not taken up again across a change, for the keys of their
 * tickets go with the old files, so that an authority which was taken away vouches for nobody.
 *
 * grpc-js has credentials of its own that watch files; they start without any, and take no connections while a key does
 * not fit its certificate.
 */
export class TlsServerCredentials extends ServerCredentials {
  readonly #files: TlsFiles;
  #unwatch: (() => void) | undefined;

  /** @param handshakeTimeout how long a caller may take to shake hands, in milliseconds */
  constructor(files: TlsFiles, handshakeTimeout: number) {
    super({ requestCert: files.verifiesPeers, rejectUnauthorized: true, handshakeTimeout }, files.current.options);
    this.#files = files;
  }

  /** grpc-js has a watcher for each of its HTTP/2 servers, from its making until it is closed. */
  override _addWatcher(watcher: Watcher): void {
    super._addWatcher(watcher);
    this.#unwatch ??= this.#files.watch(({ options }) => this.updateSecureContextOptions(options));
  }

  override _removeWatcher(watcher: Watcher): void {
    super._removeWatcher(watcher);
    if (this.getWatcherCount() > 0) return;
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

type Connector = typeof ChannelCredentials.prototype._createSecureConnector;

/** The credentials of a caller. Each new connection is made with what the files hold by then, if somebody watches them. */
export class TlsChannelCredentials extends ChannelCredentials {
  readonly #files: TlsFiles;

  constructor(files: TlsFiles) {
    super();
    this.#files = files;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(...[target, options, ofCalls]: Parameters<Connector>): ReturnType<Connector> {
    const host = hostOf(target);
    return {
      connect: (socket) =>
        new Promise((resolve, reject) => {
          const secure = connect({
            socket,
            secureContext: this.#files.current.context,
            host,
            servername: isIP(host) === 0 ? host : '', // RFC 6066 allows names alone; `host` is verified all the same
            ALPNProtocols: ['h2'],
            rejectUnauthorized: true,
          });
          secure.once('secureConnect', () => resolve({ socket: secure, secure: true }));
          secure.once('close', () => reject(new Error('the connection closed before TLS was established')));
          secure.on('error', reject);
        }),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => plain._createSecureConnector(target, options, ofCalls).getCallCredentials(),
      destroy: () => undefined,
    };
  }
}

const plain = ChannelCredentials.createInsecure();

/** What the server of a target must show a certificate for. Of a unix socket that is `localhost`, as in all of gRPC. */
function hostOf({ scheme, path }: experimental.GrpcUri): string {
  if (scheme?.startsWith('unix') === true) return 'localhost';
  const first = path.split(',', 1)[0] ?? path; // of several addresses, as ipv4: and ipv6: have them
  return experimental.splitHostPort(first)?.host ?? first;
}
