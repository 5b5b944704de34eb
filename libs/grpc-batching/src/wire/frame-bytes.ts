/** The wire format of Protocol Buffers, as far as frames.ts needs it. See https://protobuf.dev/programming-guides/encoding/ */

/** The wire types that are read. */
export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** What precedes a field: its number and its wire type. */
export function tag(field: number, type: number): number {
  return (field << 3) | type;
}

/** Bytes that are no message. */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame';
}

export function malformed(why: string): MalformedFrame {
  return new MalformedFrame(why);
}

/** The size of an unsigned 32-bit number. */
export function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** Writes fields into a buffer whose size was summed up before. */
export class FrameWriter {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  /** All of it. @throws Error when the sum was wrong */
  get written(): Buffer {
    if (this.#at !== this.#buffer.length) throw new Error(`${this.#at} of ${this.#buffer.length} bytes were written`);
    return this.#buffer;
  }

  /** A number, or the length of what follows. */
  tagged(field: number, value: number): void {
    this.#buffer[this.#at++] = field;
    this.#varint(value);
  }

  bytes(field: number, value: Buffer): void {
    this.tagged(field, value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** Text without characters beyond U+00FF, of a byte each. */
  latin1(field: number, text: string): void {
    this.tagged(field, text.length);
    if (text.length > shortText) {
      this.#at += this.#buffer.write(text, this.#at, 'latin1');
      return;
    }
    for (let at = 0; at < text.length; at++) this.#buffer[this.#at++] = text.charCodeAt(at);
  }

  utf8(field: number, text: string): void {
    this.tagged(field, Buffer.byteLength(text));
    this.#at += this.#buffer.write(text, this.#at, 'utf8');
  }

  #varint(value: number): void {
    while (value > 0x7f) {
      this.#buffer[this.#at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    this.#buffer[this.#at++] = value;
  }
}

/** Up to here, writing character by character costs less than leaving JavaScript for it. */
const shortText = 64;

/** Reads fields. Nothing that it reads can make it read beyond the end, or allocate more than there is. */
export class FrameReader {
  readonly #buffer: Buffer;
  #at: number;
  #end: number;

  constructor(buffer: Buffer, from = 0, to = buffer.length) {
    this.#buffer = buffer;
    this.#at = from;
    this.#end = to;
  }

  get more(): boolean {
    return this.#at < this.#end;
  }

  /** @throws MalformedFrame */
  tag(): number {
    const read = this.uint32();
    if (read >>> 3 === 0) throw malformed('there is no field 0');
    return read;
  }

  /** A number, of which the lowest 32 bits count. @throws MalformedFrame */
  uint32(): number {
    let value = 0;
    for (let bytes = 0; bytes < 10; bytes++) {
      if (this.#at >= this.#end) throw malformed('a number is cut off');
      const byte = this.#buffer[this.#at++] ?? 0;
      if (bytes < 5) value |= (byte & 0x7f) << (7 * bytes);
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed('a number is longer than 10 bytes');
  }

  /** A view of the message, which keeps all of it. @throws MalformedFrame */
  bytes(): Buffer {
    const from = this.#take(this.uint32());
    return this.#buffer.subarray(from, this.#at);
  }

  /** Passes over bytes. @returns where they begin; they end where the next field begins @throws MalformedFrame */
  skipBytes(): number {
    return this.#take(this.uint32());
  }

  /** Where the next field begins. */
  get position(): number {
    return this.#at;
  }

  /** @throws MalformedFrame */
  latin1(): string {
    const from = this.#take(this.uint32());
    return this.#buffer.toString('latin1', from, this.#at);
  }

  /** @throws MalformedFrame */
  utf8(): string {
    const from = this.#take(this.uint32());
    return this.#buffer.toString('utf8', from, this.#at);
  }

  /** Reads a message inside this one. @throws MalformedFrame */
  within<T>(read: (reader: FrameReader) => T): T {
    const length = this.uint32();
    const outerEnd = this.#end;
    if (length > outerEnd - this.#at) throw malformed('a field is cut off');
    this.#end = this.#at + length;
    const inner = read(this);
    this.#end = outerEnd;
    return inner;
  }

  /** Passes over a field that nobody knows. @throws MalformedFrame */
  skip(field: number): void {
    switch (field & 7) {
      case wire.varint:
        this.uint32();
        return;
      case wire.fixed64:
        this.#take(8);
        return;
      case wire.bytes:
        this.#take(this.uint32());
        return;
      case wire.fixed32:
        this.#take(4);
        return;
      default:
        throw malformed(`there is no wire type ${field & 7}`);
    }
  }

  /** @returns where it begins */
  #take(length: number): number {
    const from = this.#at;
    if (length > this.#end - from) throw malformed('a field is cut off');
    this.#at = from + length;
    return from;
  }
}
