import { invalidFields } from '@rollcall/grpc';

/**
 * When a call of Connect ends at the latest, in milliseconds since the epoch; undefined when it does not say.
 *
 * @param header its `connect-timeout-ms`: 1 to 10 digits
 * @throws RpcError INVALID_ARGUMENT when it is none
 * @see https://connectrpc.com/docs/protocol#unary-request
 */
export function connectDeadline(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^\d{1,10}$/.test(header))
    throw invalidFields([
      { field: 'Connect-Timeout-Ms', description: 'must be 1 to 10 digits, in milliseconds', reason: 'format' },
    ]);
  return Date.now() + Number(header);
}
