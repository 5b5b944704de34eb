import { encodedForm } from '@rollcall/grpc';
import type { userService } from '@rollcall/proto';
import { encodeUser } from './logged-user.ts';
import { toUser, type UserRow } from './rows.ts';

/**
 * A message of an export, written already: users as the log keeps them stand one behind the other in it, for the user of
 * a GetUserResponse and the users of an ExportUsersResponse have the same field number. Its fields are there for whoever
 * asks.
 */
export function exportMessage(rows: readonly UserRow[], watchToken: string): userService.ExportUsersResponse {
  const token = Buffer.from(watchToken);
  const parts: Uint8Array[] = rows.map(encodeUser);
  if (token.length > 0) parts.push(Buffer.of(0x12, token.length), token); // below 128 bytes
  const message = {
    watchToken,
    get users() {
      return rows.map(toUser);
    },
    [encodedForm]: Buffer.concat(parts),
  };
  return message;
}
