import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SilentProxy extends AsyncDisposable {
  /** Where to connect to. */
  readonly target: string;
  /** From here on nothing goes through either way, and nobody is told: as when a machine dies, or its network. */
  fallSilent(): void;
}

/** Stands between clients and a server on a unix socket. */
export async function startProxy(server: { readonly target: string }): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  let silent = false;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (bytes) => silent || to.write(bytes));
    from.on('close', () => silent || to.destroy());
    from.on('error', () => undefined); // the other side hears of its end
  };
  const proxy = createServer((inner) => {
    const outer = connect(server.target.replace('unix://', ''));
    join(inner, outer);
    join(outer, inner);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    target: `ipv4:127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    fallSilent: () => (silent = true),
    async [Symbol.asyncDispose]() {
      const closed = once(proxy, 'close');
      proxy.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
