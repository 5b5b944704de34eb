import { fromBinary } from '@bufbuild/protobuf';
import { status as Status } from '@grpc/grpc-js';
import { hasRules, isCertainlyValid, type Method, type MethodCodec, validate } from '@rollcall/contract';
import type { CallContext } from '../context/call-context.ts';
import type { Handler } from '../context/handler.ts';
import { cursorReader } from './last-cursor.ts';
import { invalidFields, RpcError } from '../status/rpc-error.ts';

/**
 * A response message may carry its encoded form under this key, which is then sent as it is: where messages are many and
 * alike, their source can write them several times as fast as the codec.
 */
export const encodedForm: unique symbol = Symbol('encodedForm');

/** A method together with what serves it. */
export class ServedMethod {
  readonly method: Method;
  readonly #codec: MethodCodec;
  readonly #handler: Handler;
  readonly #hasRules: boolean;

  /** Whether a stream of this method ends when it has no message for long. */
  readonly mayNotIdle: boolean;
  /** The largest request, in bytes. */
  readonly maxRequestBytes: number;
  /** Finds where a stream could be taken up again behind a message of it. */
  readonly cursorOf: ((message: object) => string | undefined) | undefined;

  constructor(method: Method, codec: MethodCodec, handler: Handler, maxRequestBytes = Infinity, mayNotIdle = true) {
    this.method = method;
    this.maxRequestBytes = maxRequestBytes;
    this.#codec = codec;
    this.#handler = handler;
    this.mayNotIdle = mayNotIdle;
    const read = method.responseStream ? cursorReader(method.output) : undefined;
    this.cursorOf = read && ((message) => read({ ...message }));
    this.#hasRules = hasRules(method.input);
  }

  /** @throws RpcError INVALID_ARGUMENT, when the bytes are no request of this method or break a rule of its proto */
  decodeRequest(bytes: Buffer): object {
    try {
      const { input } = this.method;
      const request = this.#codec.decodeRequest(bytes);
      if (!this.#hasRules || isCertainlyValid(input, request)) return request;
      // The rules are asked of what the handler gets, and not of the bytes once more.
      const violations = validate(input, fromBinary(input, this.#codec.encodeRequest(request)));
      if (violations.length > 0) {
        throw invalidFields(violations.map(({ field, description, rule }) => ({ field, description, reason: rule })));
      }
      return request;
    } catch (cause) {
      if (cause instanceof RpcError) throw cause;
      throw new RpcError(
        Status.INVALID_ARGUMENT,
        'MALFORMED_REQUEST',
        `The request is no ${this.method.input.typeName}.`,
        { cause },
      );
    }
  }

  /** @throws Error when the handler's answer is no message of the response type */
  encodeResponse(message: object): Buffer {
    return (message as { readonly [encodedForm]?: Buffer })[encodedForm] ?? this.#codec.encodeResponse(message);
  }

  /**
   * Runs the handler, with its guards, pipes, interceptors and filters.
   *
   * @returns a value, an Observable or an (async) iterable of values, or a promise of one of these
   */
  handle(request: object, context: CallContext): unknown {
    return this.#handler(request, context);
  }
}
