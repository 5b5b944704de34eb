import { create, fromBinary, type JsonObject, type Message, toBinary, toJson } from '@bufbuild/protobuf';
import { type CallableMethod, callableMethod, type CallOptions, type GrpcChannel } from '@rollcall/grpc';
import { type Method } from '@rollcall/contract';
import { rollcallContract } from '@rollcall/proto';
import { firstValueFrom } from 'rxjs';

const service = 'rollcall.access.v1.AccessService';

/** The calls that begin and end the session of a browser, with answers as REST has them. */
export class Sessions {
  readonly #channel: GrpcChannel;
  readonly #create = methodNamed('CreateSession');
  readonly #delete = methodNamed('DeleteSession');

  constructor(channel: GrpcChannel) {
    this.#channel = channel;
  }

  /** The method that signs in. */
  get creates(): Method {
    return this.#create;
  }

  /** Signs in by the secret of a link, in the place of a session if there was one. @returns CreateSessionResponse */
  create(
    secret: string,
    begun: { readonly agent: string; readonly replacedSecret: string },
    options: CallOptions,
  ): Promise<JsonObject> {
    return this.#call(this.#create, { secret, ...begun }, options);
  }

  /** Ends the session whose secret goes along. */
  async delete(options: CallOptions): Promise<void> {
    await this.#call(this.#delete, {}, options);
  }

  async #call(method: Method, request: Record<string, unknown>, options: CallOptions): Promise<JsonObject> {
    const callable: CallableMethod<Message, Message> = callableMethod(
      method,
      (message) => Buffer.from(toBinary(method.input, message)),
      (bytes) => fromBinary(method.output, bytes),
    );
    const response = await firstValueFrom(this.#channel.call(callable, create(method.input, request), options));
    const { registry } = rollcallContract;
    return toJson(method.output, response, { alwaysEmitImplicit: true, registry }) as JsonObject;
  }
}

function methodNamed(name: string): Method {
  const method = rollcallContract.methods.get(`/${service}/${name}`);
  if (method === undefined) throw new Error(`the contract has no ${service}.${name}`);
  return method;
}
