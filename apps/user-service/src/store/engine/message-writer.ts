const [varint, lengthDelimited] = [0, 2];

/** How many bytes stand before a message that is inside another: its tag, and a length of up to five bytes. */
const headBytes = 6;

/**
 * Writes a message field by field, for what is written so often that the codec would take too long.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class MessageWriter {
  readonly #bytes: Buffer;
  #end = headBytes;

  /** @param maxBytes how large the message is at the most */
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

  /** A text of less than 16 KiB, which is left out when it is empty. */
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

  /** A message whose encoded form is made of these parts. */
  nested(field: number, ...parts: readonly Uint8Array[]): void {
    this.#varint((field << 3) | lengthDelimited);
    this.#varint(parts.reduce((sum, { length }) => sum + length, 0));
    for (const part of parts) {
      this.#bytes.set(part, this.#end);
      this.#end += part.length;
    }
  }

  /** The message. */
  get message(): Buffer {
    return this.#bytes.subarray(headBytes, this.#end);
  }

  /** The message as a field of another one. */
  within(field: number): Buffer {
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
