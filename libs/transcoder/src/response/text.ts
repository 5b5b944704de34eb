import { type DescField, type DescMessage, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { type ReadText, scalarText, timestampText, zeroText } from './wire-text.ts';
import { WireReader } from './wire-reader.ts';

/** A response as ProtoJSON: its text, and the few fields of it that the headers of the answer are made of. */
export interface ResponseText {
  readonly text: string;
  readonly head: JsonObject;
}

/** A field that can be written while it is read. */
interface WritableField {
  /** `"name":`, quoted. */
  readonly key: string;
  readonly read: ReadText;
  readonly list: boolean;
  readonly message: boolean;
  /** What stands for a field that did not come; undefined when it is then left out. */
  readonly zero: string | undefined;
}

/**
 * Writes responses as ProtoJSON while it reads them, with default values written out: in one pass and without an object
 * between, which takes a fifth of the time. It knows what responses are usually made of. Of other messages, and of bytes
 * that are unusual, it writes nothing, and the library for all of Protocol Buffers has the last word.
 */
export class ResponseTexts {
  readonly #message: MessageText;
  readonly #head: readonly string[];
  /** The number of the field whose message is the answer; 0 when the response is. */
  readonly #inside: number;

  private constructor(message: MessageText, head: readonly string[], inside: number) {
    this.#message = message;
    this.#head = head;
    this.#inside = inside;
  }

  /**
   * Compiles what writes responses of one kind; undefined when they have something that it does not know.
   *
   * @param responseField the field of the response that is the answer; undefined when the whole response is
   * @param head the names in JSON of the fields that headers are made of
   */
  static of(
    output: DescMessage,
    responseField: DescField | undefined,
    head: readonly string[],
  ): ResponseTexts | undefined {
    if (responseField !== undefined && (responseField.fieldKind !== 'message' || responseField.oneof !== undefined))
      return undefined;
    const message = MessageText.of(responseField?.message ?? output, new Set());
    return message && new ResponseTexts(message, head, responseField?.number ?? 0);
  }

  /** @returns undefined when it is left to others to read them */
  write(bytes: Buffer): ResponseText | undefined {
    const reader = new WireReader(bytes);
    if (this.#inside !== 0 && !reader.enterOnly(this.#inside)) return undefined;
    const texts = this.#message.texts(reader);
    if (texts === undefined || !reader.whole) return undefined;
    const head: Record<string, JsonValue> = {};
    for (const name of this.#head) {
      const text = this.#message.textOf(texts, name);
      if (text !== undefined) head[name] = JSON.parse(text) as JsonValue;
    }
    return { text: this.#message.join(texts), head };
  }
}

type Texts = (string | undefined)[];

/** Writes messages of one type. */
class MessageText {
  readonly #fields: readonly WritableField[];
  /** The index of each field, by its number. */
  readonly #byNumber: readonly (number | undefined)[];
  readonly #byName: ReadonlyMap<string, number>;
  /** What no field has come of. */
  readonly #nothing: Texts;

  private constructor(descs: readonly DescField[], fields: readonly WritableField[]) {
    this.#fields = fields;
    const byNumber: (number | undefined)[] = [];
    descs.forEach(({ number }, index) => (byNumber[number] = index));
    this.#byNumber = byNumber;
    this.#nothing = fields.map(() => undefined);
    this.#byName = new Map(descs.map(({ jsonName }, index) => [jsonName, index]));
  }

  static of(desc: DescMessage, inside: ReadonlySet<DescMessage>): MessageText | undefined {
    const known = !desc.typeName.startsWith('google.protobuf.') && desc.oneofs.length === 0 && !inside.has(desc);
    const descs = desc.fields.toSorted((a, b) => a.number - b.number);
    const usual = descs.every(({ number, jsonName }) => number <= largestNumber && jsonName !== '__proto__');
    if (!known || !usual || desc.proto.extensionRange.length > 0) return undefined;
    const within = new Set(inside).add(desc);
    const fields: WritableField[] = [];
    for (const field of descs) {
      const read = readerOf(field, within);
      if (read === undefined) return undefined;
      const list = field.fieldKind === 'list';
      const message = field.message !== undefined;
      fields.push({ key: `${JSON.stringify(field.jsonName)}:`, read, list, message, zero: zeroText(field) });
    }
    return new MessageText(descs, fields);
  }

  /** Reads a message to the end of the reader. @returns the text of each field that came, or undefined */
  texts(reader: WireReader): Texts | undefined {
    const texts = this.#nothing.slice();
    while (reader.more) {
      const tag = reader.tag();
      const index = this.#byNumber[tag >>> 3];
      const field = index === undefined ? undefined : this.#fields[index];
      if (index === undefined || field === undefined) return undefined; // of a newer contract
      const text = field.read(reader, tag & 7);
      if (text === undefined) return undefined;
      const before = texts[index];
      if (before !== undefined && field.list) texts[index] = `${before},${text}`;
      else if (before !== undefined && field.message) return undefined; // the two would be merged
      else texts[index] = text;
    }
    return texts;
  }

  textOf(texts: Texts, name: string): string | undefined {
    const index = this.#byName.get(name);
    if (index === undefined) return undefined;
    const field = this.#fields[index];
    const text = texts[index] ?? field?.zero;
    return text === undefined || field?.list !== true ? text : `[${text}]`;
  }

  join(texts: Texts): string {
    let whole = '';
    for (let index = 0; index < texts.length; index += 1) {
      const field = this.#fields[index];
      const text = texts[index] ?? field?.zero;
      if (field === undefined || text === undefined) continue;
      whole += `${whole === '' ? '{' : ','}${field.key}${field.list ? `[${text}]` : text}`;
    }
    return whole === '' ? '{}' : `${whole}}`;
  }
}

function readerOf(field: DescField, inside: ReadonlySet<DescMessage>): ReadText | undefined {
  if (field.fieldKind === 'map') return undefined;
  if (field.message === undefined) return scalarText(field);
  const message =
    field.message.typeName === 'google.protobuf.Timestamp' ? undefined : MessageText.of(field.message, inside);
  if (message === undefined && field.message.typeName !== 'google.protobuf.Timestamp') return undefined;
  return (reader, wireType) => {
    if (wireType !== 2) return undefined;
    const outer = reader.enter();
    if (outer === undefined) return undefined;
    let text: string | undefined;
    if (message === undefined) text = timestampText(reader);
    else {
      const texts = message.texts(reader);
      text = texts && message.join(texts);
    }
    return reader.leave(outer) ? text : undefined;
  };
}

/** Numbers up to here have a place in a table. */
const largestNumber = 1000;
