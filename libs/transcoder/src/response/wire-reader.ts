/**
 * Reads the wire format of Protocol Buffers. It never throws: what cannot be read makes it broken, which whoever uses it
 * looks at in the end, and reads as zeros until then.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;
  #broken = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  get more(): boolean {
    return this.#at < this.#end && !this.#broken;
  }

  /** Whether all that was read was there. */
  get whole(): boolean {
    return !this.#broken;
  }

  /** Goes into the message in a field. @returns what leads out of it; undefined when it is cut off */
  enter(): number | undefined {
    const length = this.uint32();
    const outer = this.#end;
    if (length > outer - this.#at) return undefined;
    this.#end = this.#at + length;
    return outer;
  }

  /** @returns whether what was inside has been read to its end */
  leave(outer: number): boolean {
    if (this.#broken || this.#at !== this.#end) return false;
    this.#end = outer;
    return true;
  }

  /** Goes into the message in a field, when there is nothing else, once. */
  enterOnly(field: number): boolean {
    return (
      this.uint32() === ((field << 3) | 2) && this.enter() === this.#bytes.length && this.#end === this.#bytes.length
    );
  }

  /** What precedes a field: its number and its wire type. Numbers above 2047 break the reader. */
  tag(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const second = this.#byte();
    if (second < 0x80) return (first & 0x7f) | (second << 7);
    this.#broken = true;
    return 0;
  }

  /** The lowest 32 bits of a number. */
  uint32(): number {
    let value = 0;
    for (let count = 0; count < 10; count += 1) {
      const byte = this.#byte();
      if (count < 5) value |= (byte & 0x7f) << (7 * count);
      if (byte < 0x80) return value >>> 0;
    }
    this.#broken = true;
    return 0;
  }

  /** A number of 64 bits without sign: as a number while it is exact, else as a bigint. */
  uint64(): number | bigint {
    let value = 0;
    let factor = 1;
    const from = this.#at;
    for (let count = 0; count < 7; count += 1) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    this.#at = from;
    let large = 0n;
    for (let count = 0n; count < 10n; count += 1n) {
      const byte = this.#byte();
      large |= BigInt(byte & 0x7f) << (7n * count);
      if (byte < 0x80) return BigInt.asUintN(64, large);
    }
    this.#broken = true;
    return 0;
  }

  /** Bytes, of which the reader's own are a view. */
  bytes(): Buffer {
    return this.#take(this.uint32());
  }

  fixed32(): Buffer {
    return this.#take(4);
  }

  fixed64(): Buffer {
    return this.#take(8);
  }

  /** Text as JSON, in quotes; undefined when it is not plain: printable ASCII that needs no escape. */
  plainText(): string | undefined {
    const from = this.#at;
    const length = this.uint32();
    const to = this.#at + length;
    if (to > this.#end) {
      this.#broken = true;
      return undefined;
    }
    for (let at = this.#at; at < to; at += 1) {
      const byte = this.#bytes[at] ?? 0;
      if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) {
        this.#at = from;
        return undefined;
      }
    }
    const text = `"${this.#bytes.toString('latin1', this.#at, to)}"`;
    this.#at = to;
    return text;
  }

  #byte(): number {
    if (this.#at >= this.#end) {
      this.#broken = true;
      return 0;
    }
    return this.#bytes[this.#at++] ?? 0;
  }

  #take(length: number): Buffer {
    if (length > this.#end - this.#at) {
      this.#broken = true;
      return nothing;
    }
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }
}

const nothing = Buffer.alloc(8);
