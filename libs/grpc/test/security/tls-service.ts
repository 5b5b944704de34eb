import { type Authority, makePemFolder, type PemFolder, type Pems } from '@rollcall/test-servers';
import { type GrpcChannelOptions } from '../../src/client/channel.ts';
import { TlsFiles } from '../../src/security/tls-files.ts';
import { connect } from '../faults/servers.ts';
import { type Handlers, type Service, startShelf } from '../shelf-service.ts';

/** What TLS wrote to its log. */
export interface Log {
  readonly warnings: string[];
  readonly lines: string[];
}

/** The files of one process. */
export interface Party extends Disposable {
  readonly folder: PemFolder;
  readonly files: TlsFiles;
  readonly log: Log;
  /** Replaces files, and waits until that is noticed; somebody has to watch them. */
  replace(pems: Pems): Promise<void>;
}

/** Lays out the files of a process, which are looked at all the time. */
export function makeParty(pems: Pems, callers: readonly string[] = []): Party {
  const folder = makePemFolder(pems);
  const log: Log = { warnings: [], lines: [] };
  const own = pems.identity === undefined ? {} : { cert: folder.cert, key: folder.key };
  const ca = pems.authority === undefined ? {} : { ca: folder.ca };
  const files = new TlsFiles(
    { ...own, ...ca, callers, reloadMs: 5 },
    {
      log: (line: string) => log.lines.push(line),
      warn: (line: string) => log.warnings.push(line),
      error: (line: string) => log.warnings.push(line),
    },
  );
  return {
    folder,
    files,
    log,
    async replace(others) {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const unwatch = files.watch(resolve);
      folder.replace(others);
      await promise;
      unwatch();
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** Starts a shelf service that speaks TLS, on a unix socket, whose name is `localhost`. */
export function startSecure(
  handlers: Handlers,
  { files }: Party,
  options: Parameters<typeof startShelf>[1] = {},
): Promise<Service> {
  return startShelf(handlers, { ...options, tls: files });
}

/** A client on a connection of its own; it trusts an authority, and shows a certificate if it is given one. */
export function connectSecurely(
  { target }: { readonly target: string },
  trusted: Authority,
  pems: Pems = {},
  options: GrpcChannelOptions = {},
) {
  const party = makeParty({ ...pems, authority: trusted });
  const connection = connect(target, { ...options, tls: party.files });
  return {
    ...connection,
    party,
    [Symbol.dispose]: () => {
      connection.close();
      party[Symbol.dispose]();
    },
  };
}
