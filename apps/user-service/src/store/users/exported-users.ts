import { encodedForm } from '@rollcall/grpc';
import { codecsOf } from '@rollcall/contract';
import { rollcallContract, type userService } from '@rollcall/proto';
import { encodeUser } from './logged-user.ts';
import type { UserRow } from './rows.ts';

const codec = codecsOf(rollcallContract).get('/rollcall.user.v1.UserService/ExportUsers');
if (codec === undefined) throw new Error('the contract has no ExportUsers');
const { decodeResponse } = codec;

/**
 * Users as they stand in a message of an export: as the log keeps them, one behind the other, for the user of a
 * GetUserResponse and the users of an ExportUsersResponse have the same field number. They take a tenth of their rows, in
 * memory of their own, since a reader that stops holds them for as long as it stays.
 */
export function encodeUsers(rows: readonly UserRow[]): Buffer {
  const parts = rows.map(encodeUser);
  const encoded = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) end += part.copy(encoded, end);
  return encoded;
}

/** A message of an export, written already. Its fields are there for whoever asks. */
export function exportMessage(encodedUsers: Buffer, watchToken: string): userService.ExportUsersResponse {
  const token = Buffer.from(watchToken);
  const encoded =
    token.length === 0 ? encodedUsers : Buffer.concat([encodedUsers, Buffer.of(0x12, token.length), token]); // below 128 bytes
  const message = {
    watchToken,
    get users() {
      return (decodeResponse(encoded) as userService.ExportUsersResponse).users; // as it was encoded
    },
    [encodedForm]: encoded,
  };
  return message;
}
