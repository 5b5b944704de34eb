import { codecsOf } from '@rollcall/contract';
import { rollcallContract, type user, type userService } from '@rollcall/proto';
import { MessageWriter } from '../engine/message-writer.ts';
import { etagOf, type UserRow } from './rows.ts';

const nothing = Buffer.alloc(0);

/**
 * A user as the log keeps it, a GetUserResponse; nothing is kept as no bytes. It is written by hand, since every write
 * pays for it: the codec takes several times as long, most of it to make a message of the row first.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function encodeUser(row: UserRow | undefined): Buffer {
  if (row === undefined) return nothing;
  const writer = new MessageWriter(4 * (row.name.length + row.email.length) + 200);
  writer.unsigned(1, row.id);
  writer.text(2, row.name);
  writer.text(3, row.email);
  if (row.age >= 0n) writer.unsigned(4, row.age, true);
  writer.unsigned(5, row.type);
  writer.time(6, row.create_time_ms);
  writer.time(7, row.update_time_ms);
  if (row.delete_time_ms > 0n) writer.time(8, row.delete_time_ms);
  if (row.purge_time_ms > 0n) writer.time(9, row.purge_time_ms);
  writer.text(10, etagOf(row));
  return writer.within(1);
}

const codec = codecsOf(rollcallContract).get('/rollcall.user.v1.UserService/GetUser');

/** What `encodeUser` wrote. */
export function decodeUser(bytes: Uint8Array): user.User | null {
  if (codec === undefined) throw new Error('the contract has no GetUser');
  return bytes.length === 0 ? null : (codec.decodeResponse(bytes) as userService.GetUserResponse).user; // as it was encoded
}
