import { codecsOf, rollcallContract, type user, type userService } from '@rollcall/proto';
import { etagOf, type UserRow } from './rows.ts';

const nothing = new Uint8Array();

/**
 * A user as the log keeps it, a GetUserResponse; nothing is kept as no bytes. It is written by hand, since every write
 * pays for it: the codec takes several times as long, most of it to make a message of the row first.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function encodeUser(row: UserRow | undefined): Uint8Array {
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

const [varint, lengthDelimited] = [0, 2];

/** How many bytes stand before a message that is inside another: its tag, and a length of up to five bytes. */
const headBytes = 6;

class MessageWriter {
  readonly #bytes: Buffer;
  #end = headBytes;

  constructor(maxBytes: number) {
    this.#bytes = Buffer.allocUnsafe(headBytes + maxBytes);
  }

  /** A number, which is left out when it is zero unless the field has presence. */
  unsigned(field: number, value: bigint | number, hasPresence = false): void {
    if (Number(value) === 0 && !hasPresence) return;
    this.#varint((field << 3) | varint);
    if (value <= Number.MAX_SAFE_INTEGER) this.#varint(Number(value));
    else {
      // The lower 49 bits make seven groups that another one follows.
      let [low, high] = [Number(BigInt(value) & 0x1ffffffffffffn), Number(BigInt(value) >> 49n)];
      for (let group = 0; group < 7; group += 1, low = Math.floor(low / 128)) this.#byte((low % 128) | 0x80);
      this.#varint(high);
    }
  }

  text(field: number, value: string): void {
    if (value === '') return;
    this.#varint((field << 3) | lengthDelimited);
    // Its length comes first. It nearly always takes one byte; where it takes two, the text moves.
    const start = this.#end + 1;
    const length = this.#bytes.write(value, start);
    if (length >= 0x80) this.#bytes.copyWithin(start + 1, start, start + length);
    this.#varint(length);
    this.#end += length;
  }

  /** A Timestamp. */
  time(field: number, ms: bigint): void {
    const number = Number(ms);
    const seconds = Math.floor(number / 1000);
    const nanos = (number - seconds * 1000) * 1_000_000;
    this.#varint((field << 3) | lengthDelimited);
    const start = (this.#end += 1);
    this.unsigned(1, seconds);
    this.unsigned(2, nanos);
    this.#bytes[start - 1] = this.#end - start; // below 128: it is two numbers
  }

  /** The message as a field of another one. */
  within(field: number): Uint8Array {
    const length = this.#end - headBytes;
    const start = headBytes - 1 - (length < 0x80 ? 1 : 2); // a user has less than 16 KiB
    const end = this.#end;
    this.#end = start;
    this.#varint((field << 3) | lengthDelimited);
    this.#varint(length);
    return this.#bytes.subarray(start, end);
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#byte((rest % 128) | 0x80);
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#bytes[this.#end] = value;
    this.#end += 1;
  }
}
