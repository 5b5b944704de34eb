import { fromBinary, type Registry, toBinary, toJson } from '@bufbuild/protobuf';
import { status as Status } from '@grpc/grpc-js';
import {
  hasRules,
  isCertainlyValid,
  type Method,
  type MethodCodec,
  ProtoJsonError,
  readProtoJson,
  validate,
  type Violation,
} from '@rollcall/contract';
import { invalidFields, RpcError } from '@rollcall/grpc';
import { JsonTextError, parseJson } from '../request/json-text.ts';
import { ResponseTexts } from '../response/text.ts';
import type { CodecName } from './protocol.ts';

/** Reads the requests and writes the responses of one method, in either codec. The other side has Protocol Buffers. */
export class MessageCodec {
  readonly #method: Method;
  readonly #codec: MethodCodec;
  readonly #registry: Registry;
  readonly #hasRules: boolean;
  readonly #texts: ResponseTexts | undefined;

  constructor(method: Method, codec: MethodCodec, registry: Registry) {
    this.#method = method;
    this.#codec = codec;
    this.#registry = registry;
    this.#hasRules = hasRules(method.input);
    this.#texts = ResponseTexts.of(method.output, undefined, []);
  }

  /**
   * The bytes of a request, once it is known to be one, and valid.
   *
   * @throws RpcError INVALID_ARGUMENT, naming the fields
   */
  request(codec: CodecName, bytes: Buffer): Buffer {
    return codec === 'proto' ? this.#checked(bytes) : this.#fromJson(bytes);
  }

  /** A response as the caller reads it. @throws Error when the bytes are no response of the method */
  response(codec: CodecName, bytes: Buffer): Buffer {
    if (codec === 'proto') return bytes;
    return Buffer.from(this.#texts?.write(bytes)?.text ?? this.#jsonOf(bytes));
  }

  /** Bytes that are read are passed on as they came, so that fields that are newer than this contract get through. */
  #checked(bytes: Buffer): Buffer {
    const { input } = this.#method;
    let request: object;
    try {
      request = this.#codec.decodeRequest(bytes);
    } catch (cause) {
      throw malformed(`A message is no ${input.typeName}.`, cause);
    }
    if (!this.#hasRules || isCertainlyValid(input, request)) return bytes;
    requireValid(validate(input, fromBinary(input, this.#codec.encodeRequest(request))));
    return bytes;
  }

  #fromJson(bytes: Buffer): Buffer {
    const { input } = this.#method;
    try {
      const message = readProtoJson(input, parseJson(bytes), this.#registry);
      requireValid(validate(input, message));
      return Buffer.from(toBinary(input, message));
    } catch (error) {
      if (error instanceof ProtoJsonError) throw invalidFields(error.fields);
      if (error instanceof JsonTextError) throw malformed(`A message ${error.message}.`, error);
      throw error;
    }
  }

  #jsonOf(bytes: Buffer): string {
    const { output } = this.#method;
    const message = fromBinary(output, bytes);
    return JSON.stringify(toJson(output, message, { alwaysEmitImplicit: true, registry: this.#registry }));
  }
}

function requireValid(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  throw invalidFields(violations.map(({ field, description, rule }) => ({ field, description, reason: rule })));
}

function malformed(message: string, cause: unknown): RpcError {
  return new RpcError(Status.INVALID_ARGUMENT, 'MALFORMED_REQUEST', message, { cause });
}
