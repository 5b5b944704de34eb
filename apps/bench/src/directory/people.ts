import { codecsOf, type MethodCodec } from '@rollcall/contract';
import { rollcallContract, type user, type userService } from '@rollcall/proto';

/** A user of the benches, as the tables hold one. */
export interface Person {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly age: number;
  readonly type: number;
  readonly timeMs: number;
}

const given = ['Ada', 'Bertha', 'Cleo', 'Dorothy', 'Edith', 'Frances', 'Grace', 'Hedy', 'Irène', 'Joan', 'Katherine'];
const family = ['Lovelace', 'Clarke', 'Hopper', 'Lamarr', 'Johnson', 'Vaughan', 'Meitner', 'Noether', 'Curie', 'Bose'];

/** The user with a number, always the same one. Names and addresses come in no order, as those of real people. */
export function personOf(id: number): Person {
  const mixed = Math.imul(id, 0x9e3779b1) >>> 0; // another one for each number
  const [first, last] = [given[mixed % given.length] ?? '', family[(mixed >>> 8) % family.length] ?? ''];
  return {
    id,
    name: `${first} ${last} ${mixed.toString(36)}`,
    email: `${mixed.toString(36)}.${last}@people.example`,
    age: mixed % 100,
    type: id % 20 === 0 ? 2 : 1,
    timeMs: 1_700_000_000_000 + mixed / 16,
  };
}

/** The values of all columns of `users`, in their order. */
export function columnsOf({ id, name, email, age, type, timeMs }: Person): (string | number)[] {
  const time = Math.floor(timeMs);
  return [id, name, keyOf(name), email, keyOf(email), age, type, time, time, 0, 0];
}

/** The names of these columns. */
export const columnNames = [
  ['id', 'name', 'name_key', 'email', 'email_key', 'age', 'type'],
  ['create_time_ms', 'update_time_ms', 'delete_time_ms', 'purge_time_ms'],
].flat();

function keyOf(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** The message of a user with all that the service sets. */
export function messageOf({ id, name, email, age, type, timeMs }: Person): user.User {
  const time = Math.floor(timeMs);
  const seconds = Math.floor(time / 1000);
  const timestamp = { seconds: String(seconds), nanos: (time - seconds * 1000) * 1_000_000 };
  const etag = `${time.toString(36)}-${time.toString(36)}`;
  const times = { createTime: timestamp, updateTime: timestamp, deleteTime: null, purgeTime: null };
  return { id: String(id), name, email, age, type, ...times, etag };
}

/** A user to import, to whom the service gives the id. */
export function rowOf({ name, email, age, type }: Person): user.User {
  const unset = { createTime: null, updateTime: null, deleteTime: null, purgeTime: null, etag: '' };
  return { id: '0', name, email, age, type, ...unset };
}

const service = 'rollcall.user.v1.UserService';

/** A method of UserService, as a bare client of grpc-js needs it. */
export function methodOf(name: string): { path: string; codec: MethodCodec } {
  const path = `/${service}/${name}`;
  const codec = codecsOf(rollcallContract).get(path);
  if (codec === undefined) throw new Error(`no codec for ${path}`);
  return { path, codec };
}

const getUser = methodOf('GetUser');

/** A user as the change log of the service keeps one. */
export function loggedUser(person: Person): Buffer {
  const response: userService.GetUserResponse = { user: messageOf(person) };
  return getUser.codec.encodeResponse(response);
}
