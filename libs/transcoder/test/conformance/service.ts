/** The service that connectconformance judges a server by, on libs/grpc. @see https://github.com/connectrpc/conformance */
import { setTimeout as sleep } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema, type Any } from '@bufbuild/protobuf/wkt';
import { Metadata, status as Status } from '@grpc/grpc-js';
import type { Contract } from '@rollcall/contract';
import { type CallContext, fromIterable, GrpcController, RpcError, toAsyncIterable } from '@rollcall/grpc';
import type { Observable } from 'rxjs';
import { type AnyMessage, packRequest, service } from './contract.ts';

interface Header {
  readonly name: string;
  readonly value: readonly string[];
}

interface ErrorDefinition {
  /** Connect's codes have the numbers of gRPC's. */
  readonly code: Status;
  readonly message?: string | null;
  readonly details: readonly AnyMessage[];
}

interface Definition {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
  readonly error?: ErrorDefinition | null;
}

interface UnaryRequest {
  readonly responseDefinition?: (Definition & { readonly responseData?: Buffer | null }) | null;
}

interface StreamRequest {
  readonly responseDefinition?: (Definition & { readonly responseData: readonly Buffer[] }) | null;
  readonly fullDuplex?: boolean;
}

interface RequestInfo {
  readonly requestHeaders?: readonly Header[];
  readonly timeoutMs?: string;
  readonly requests: readonly AnyMessage[];
  readonly connectGetInfo?: object;
}

interface Payload {
  readonly payload: { readonly data?: Buffer; readonly requestInfo?: RequestInfo };
}

/** Makes the controller of the suite's service. */
export function conformanceController(contract: Contract): new () => object {
  const infoType = contract.registry.getMessage('connectrpc.conformance.v1.ConformancePayload.RequestInfo');
  if (infoType === undefined) throw new Error('the suite has no RequestInfo');
  const info = { contract, type: infoType };

  class ConformanceController {
    unary(request: UnaryRequest, context: CallContext): Promise<Payload> {
      return answerOnce('Unary', [request], request, context);
    }

    idempotentUnary(request: UnaryRequest, context: CallContext): Promise<Payload> {
      return answerOnce('IdempotentUnary', [request], request, context);
    }

    async clientStream(requests: Observable<UnaryRequest>, context: CallContext): Promise<Payload> {
      const received: UnaryRequest[] = [];
      for await (const request of toAsyncIterable(requests)) received.push(request);
      return answerOnce('ClientStream', received, received[0], context);
    }

    serverStream(request: StreamRequest, context: CallContext): Observable<Payload> {
      return fromIterable(async function* () {
        const { responseDefinition: definition } = request;
        if (definition == null) return;
        begin(definition, context, definition.responseData.length > 0);
        const seen = requestInfo(context, pack('ServerStream', [request]));
        yield* answers(definition, seen);
      });
    }

    bidiStream(requests: Observable<StreamRequest>, context: CallContext): Observable<Payload> {
      return fromIterable(async function* () {
        let definition: StreamRequest['responseDefinition'];
        let fullDuplex = false;
        let first = true;
        let sent = 0;
        let received: StreamRequest[] = [];
        for await (const request of toAsyncIterable(requests)) {
          received.push(request);
          if (first) {
            first = false;
            definition = request.responseDefinition;
            fullDuplex = request.fullDuplex === true;
            if (fullDuplex && definition != null) begin(definition, context, definition.responseData.length > 0);
          }
          if (!fullDuplex) continue;
          const data = definition?.responseData[sent];
          if (data === undefined) break;
          await sleep(definition?.responseDelayMs ?? 0);
          const seen = pack('BidiStream', received);
          yield { payload: { data, requestInfo: sent === 0 ? requestInfo(context, seen) : { requests: seen } } };
          sent += 1;
          received = [];
        }
        if (definition == null) return;
        if (!fullDuplex) begin(definition, context, definition.responseData.length > 0);
        const seen = requestInfo(context, pack('BidiStream', received));
        yield* answers(definition, seen, sent);
      });
    }

    unimplemented(): never {
      throw new RpcError(Status.UNIMPLEMENTED, '', 'This method is not implemented.');
    }
  }

  const pack = (method: string, messages: readonly object[]): AnyMessage[] =>
    messages.map((message) => packRequest(contract, method, message));

  async function answerOnce(
    method: string,
    messages: readonly object[],
    first: UnaryRequest | undefined,
    context: CallContext,
  ): Promise<Payload> {
    const seen = requestInfo(context, pack(method, messages));
    const definition = first?.responseDefinition;
    if (definition == null) return { payload: { requestInfo: seen } };
    begin(definition, context, true);
    await sleep(definition.responseDelayMs);
    if (definition.error != null) throw errorOf(definition.error, seen);
    return { payload: { data: definition.responseData ?? Buffer.alloc(0), requestInfo: seen } };
  }

  async function* answers(
    { responseData, responseDelayMs, error }: NonNullable<StreamRequest['responseDefinition']>,
    seen: RequestInfo,
    from = 0,
  ): AsyncGenerator<Payload> {
    for (let at = from; at < responseData.length; at++) {
      await sleep(responseDelayMs);
      yield { payload: { data: responseData[at] ?? Buffer.alloc(0), ...(at === 0 && { requestInfo: seen }) } };
    }
    if (error != null) throw errorOf(error, responseData.length === 0 ? seen : undefined);
  }

  /** @param seen what the error tells of the request, where no answer does */
  function errorOf({ code, message, details }: ErrorDefinition, seen: RequestInfo | undefined): RpcError {
    const others: Any[] = details.map(({ typeUrl, value }) => create(AnySchema, { typeUrl, value }));
    if (seen !== undefined) {
      const timeoutMs = seen.timeoutMs === undefined ? {} : { timeoutMs: BigInt(seen.timeoutMs) };
      const value = toBinary(info.type, create(info.type, { ...seen, ...timeoutMs }));
      others.push(create(AnySchema, { typeUrl: `type.googleapis.com/${info.type.typeName}`, value }));
    }
    return new RpcError(code, '', message ?? '', { others });
  }

  return GrpcController(contract, service)(ConformanceController) ?? ConformanceController;
}

function begin({ responseHeaders, responseTrailers }: Definition, context: CallContext, atOnce: boolean): void {
  add(responseTrailers, context.trailers);
  const headers = new Metadata();
  add(responseHeaders, headers);
  if (atOnce || responseHeaders.length > 0) context.sendHeaders(headers);
}

function add(headers: readonly Header[], metadata: Metadata): void {
  for (const { name, value } of headers)
    for (const each of value) metadata.add(name, name.endsWith('-bin') ? Buffer.from(each, 'base64') : each);
}

function requestInfo(context: CallContext, requests: readonly AnyMessage[]): RequestInfo {
  const requestHeaders = Object.keys(context.metadata.getMap()).map((name) => ({
    name,
    value: context.metadata
      .get(name)
      .map((value) => (typeof value === 'string' ? value : value.toString('base64').replace(/=+$/, ''))),
  }));
  const left = context.deadline - Date.now();
  return {
    requestHeaders,
    requests,
    ...(left < 1e9 && { timeoutMs: String(Math.max(0, Math.round(left))) }),
    ...(context.metadata.get('x-http-method').includes('GET') && { connectGetInfo: {} }),
  };
}
