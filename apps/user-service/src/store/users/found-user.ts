import { encodedForm } from '@rollcall/grpc';
import type { user, userService } from '@rollcall/proto';
import { encodeUser } from './logged-user.ts';
import { toUser, type UserRow } from './rows.ts';

/** What answers GetUser, written already, as the log keeps a user. Its field is there for whoever asks. */
export class FoundUser implements userService.GetUserResponse {
  readonly #row: UserRow;
  readonly [encodedForm]: Buffer;

  constructor(row: UserRow) {
    this.#row = row;
    this[encodedForm] = encodeUser(row);
  }

  get user(): user.User {
    return toUser(this.#row);
  }
}
