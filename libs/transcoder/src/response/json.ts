import {
  type DescField,
  type DescMessage,
  fromBinary,
  isMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { type Binding, isJsonObject } from '@rollcall/contract';
import { type ResponseText, ResponseTexts } from './text.ts';
import type { Conventions } from '../conventions/aip.ts';

/** Reads a response as ProtoJSON, with default values written out. */
export class ResponseJson {
  readonly #binding: Binding;
  readonly #registry: Registry;
  /** Writes the answers that are usual. */
  readonly #texts: ResponseTexts | undefined;

  constructor(binding: Binding, { location }: Pick<Conventions, 'location'>, registry: Registry) {
    this.#binding = binding;
    const { method, responseField } = binding;
    const fields = (location?.fields ?? []).flatMap((path) => path.slice(0, 1).map(({ jsonName }) => jsonName));
    if (!method.responseStream)
      this.#texts = ResponseTexts.of(method.output, responseField, ['etag', 'nextPageToken', ...fields]);
    this.#registry = registry;
  }

  /** @throws Error when the bytes are no response of the method */
  decode(bytes: Uint8Array): Message {
    return fromBinary(this.#binding.method.output, bytes);
  }

  /** Reads the one answer of a call, as text where that can be had at once. @throws Error as `decode` does */
  decodeAnswer(bytes: Buffer): Message | ResponseText {
    return this.#texts?.write(bytes) ?? this.decode(bytes);
  }

  /** The text of a response, and the fields of it that headers are made of. */
  answer(response: Message | ResponseText): ResponseText {
    if (!isMessage(response)) return response;
    const body = this.body(response);
    return { text: JSON.stringify(body), head: isJsonObject(body) ? body : {} };
  }

  /** What the body of a response holds. A message field that is not set is null. */
  body(response: Message): JsonValue {
    const { method, responseField } = this.#binding;
    if (responseField === undefined) return this.#json(method.output, response);
    return this.#field(method.output, response, responseField);
  }

  /** What a message of a stream holds: one item, or several where the rule names a list. */
  items(response: Message): JsonValue[] {
    const body = this.body(response);
    return this.#binding.responseItems && Array.isArray(body) ? body : [body];
  }

  #field(desc: DescMessage, message: Message, field: DescField): JsonValue {
    if (field.fieldKind === 'message') {
      const inner = reflect(desc, message).get(field);
      return reflect(desc, message).isSet(field) ? this.#json(field.message, inner.message) : null;
    }
    // A field of another kind is written as part of its message, which is small beside it.
    const whole = this.#json(desc, message) as JsonObject;
    return whole[field.jsonName] ?? null;
  }

  #json(desc: DescMessage, message: Message): JsonValue {
    return toJson(desc, message, { alwaysEmitImplicit: true, registry: this.#registry });
  }
}
