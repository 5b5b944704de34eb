import { encodedForm } from '@rollcall/grpc';
import type { userService } from '@rollcall/proto';
import { encodeUser } from './logged-user.ts';
import { toUser, type UserRow } from './rows.ts';

/** What answers GetUser, written already, as the log keeps a user. Its field is there for whoever asks. */
export function foundUser(row: UserRow): userService.GetUserResponse {
  const written = encodeUser(row);
  const message = {
    get user() {
      return toUser(row);
    },
    [encodedForm]: Buffer.from(written.buffer, written.byteOffset, written.byteLength),
  };
  return message;
}
