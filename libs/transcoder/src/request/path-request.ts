import { ScalarType } from '@bufbuild/protobuf';
import { isCertainlyValid, type Binding } from '@rollcall/contract';
import type { RequestParts } from './reader.ts';

/** A variable of the path that is a field of the request. */
interface PathField {
  /** Which segment of the path it is. */
  readonly segment: number;
  readonly localName: string;
  readonly tag: number;
  readonly number: boolean;
}

/** The headers that become fields of some requests. */
const boundHeaders = ['idempotency-key', 'last-event-id'];

const plainNumber = /^[1-9]\d{0,14}$/;
const plainText = /^[A-Za-z0-9._~-]{1,100}$/;

/**
 * Writes requests whose path says it all, such as `GET /v1/users/7`, at once as the bytes that they are: without JSON, a
 * message and its validation between. Everything that is not plainly a valid request is left to RequestReader.
 */
export class PathRequests {
  readonly #binding: Binding;
  readonly #fields: readonly PathField[];

  private constructor(binding: Binding, fields: readonly PathField[]) {
    this.#binding = binding;
    this.#fields = fields;
  }

  /** Undefined when the binding has requests of another kind. */
  static of(binding: Binding): PathRequests | undefined {
    const { method, body, pathFields } = binding;
    const others = method.input.fields.some(({ fieldKind }) => fieldKind !== 'scalar' && fieldKind !== 'enum');
    if (method.requestStream || body !== 'nothing' || others) return undefined;
    const fields: PathField[] = [];
    for (const { variable, path } of pathFields) {
      const [field] = path;
      const number = field?.scalar === ScalarType.UINT64 || field?.scalar === ScalarType.UINT32;
      const single = !variable.multi && variable.end === variable.start + 1;
      if (field === undefined || path.length !== 1 || !single || field.oneof !== undefined) return undefined;
      if ((!number && field.scalar !== ScalarType.STRING) || field.number > 15) return undefined;
      const tag = (field.number << 3) | (number ? 0 : 2);
      fields.push({ segment: variable.start, localName: field.localName, tag, number });
    }
    return fields.length === 0 ? undefined : new PathRequests(binding, fields);
  }

  /** @returns undefined when it takes a closer look */
  write({ segments, query, headers, etag }: RequestParts): Buffer | undefined {
    if (query.length > 0 || etag !== undefined) return undefined;
    for (const name of boundHeaders) if (headers[name] !== undefined) return undefined;
    const bytes: number[] = [];
    const message: Record<string, string> = {};
    for (const { segment, localName, tag, number } of this.#fields) {
      const text = segments[segment] ?? '';
      if (!(number ? plainNumber : plainText).test(text)) return undefined;
      message[localName] = text;
      bytes.push(tag);
      if (number) pushVarint(bytes, Number(text));
      else {
        bytes.push(text.length);
        for (let at = 0; at < text.length; at += 1) bytes.push(text.charCodeAt(at));
      }
    }
    return isCertainlyValid(this.#binding.method.input, message) ? Buffer.from(bytes) : undefined;
  }
}

function pushVarint(bytes: number[], value: number): void {
  while (value > 0x7f) {
    bytes.push((value % 128) | 0x80);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
}
