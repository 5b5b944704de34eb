import type { RpcError } from './rpc-error.ts';

const sent = new WeakSet<RpcError>();

/** Notes that a server sent an error. @returns the same error */
export function markSent(error: RpcError): RpcError {
  sent.add(error);
  return error;
}

/**
 * Whether a server sent an error, rather than the transport having made it of what became of the connection: those texts
 * have addresses in them, and are for operators alone.
 */
export function isSentByServer(error: RpcError): boolean {
  return sent.has(error);
}
