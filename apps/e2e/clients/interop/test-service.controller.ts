import { setTimeout as wait } from 'node:timers/promises';
import { Metadata, status as Status } from '@grpc/grpc-js';
import { type CallContext, GrpcController, fromIterable, RpcError, toAsyncIterable } from '@rollcall/grpc';
import { type interop, interopContract, interopMessages } from '@rollcall/contract/testing';
import { concatMap, type Observable, reduce, toArray } from 'rxjs';

const initialKey = 'x-grpc-test-echo-initial';
const trailingKey = 'x-grpc-test-echo-trailing-bin';
const { GrpclbRouteType } = interopMessages;

export const testServiceName = 'grpc.testing.TestService';

/**
 * What the interop clients ask of a server, except what they ask about compression and credentials: grpc-js inflates
 * messages without telling, and nobody signs in.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md#server
 */
@GrpcController(interopContract, testServiceName)
export class TestServiceController implements interop.TestServiceController {
  emptyCall() {
    return {};
  }

  unaryCall(request: interopMessages.SimpleRequest, context: CallContext): interopMessages.SimpleResponse {
    echoMetadata(context);
    return simpleResponse(request);
  }

  cacheableUnaryCall(request: interopMessages.SimpleRequest, context: CallContext): interopMessages.SimpleResponse {
    const headers = new Metadata();
    headers.set('cache-control', 'max-age=60, public');
    context.sendHeaders(headers);
    return simpleResponse(request);
  }

  streamingOutputCall(
    request: interopMessages.StreamingOutputCallRequest,
  ): Observable<interopMessages.StreamingOutputCallResponse> {
    return fromIterable((signal) => responsesTo(request, signal));
  }

  streamingInputCall(
    requests: Observable<interopMessages.StreamingInputCallRequest>,
  ): Observable<interopMessages.StreamingInputCallResponse> {
    return requests.pipe(
      reduce(
        ({ aggregatedPayloadSize }, { payload }) => ({
          aggregatedPayloadSize: aggregatedPayloadSize + (payload?.body.length ?? 0),
        }),
        { aggregatedPayloadSize: 0 },
      ),
    );
  }

  fullDuplexCall(
    requests: Observable<interopMessages.StreamingOutputCallRequest>,
    context: CallContext,
  ): Observable<interopMessages.StreamingOutputCallResponse> {
    echoMetadata(context);
    return fromIterable(async function* (signal) {
      for await (const request of toAsyncIterable(requests)) yield* responsesTo(request, signal);
    });
  }

  halfDuplexCall(
    requests: Observable<interopMessages.StreamingOutputCallRequest>,
  ): Observable<interopMessages.StreamingOutputCallResponse> {
    return requests.pipe(
      toArray(),
      concatMap((all) =>
        fromIterable(async function* (signal) {
          for (const request of all) yield* responsesTo(request, signal);
        }),
      ),
    );
  }

  unimplementedCall(): never {
    throw new RpcError(Status.UNIMPLEMENTED, 'NOT_OFFERED', 'This method is there to be missing.');
  }
}

function echoMetadata(context: CallContext): void {
  const headers = new Metadata();
  for (const value of context.metadata.get(initialKey)) headers.add(initialKey, value);
  if (headers.get(initialKey).length > 0) context.sendHeaders(headers);
  for (const value of context.metadata.get(trailingKey)) context.trailers.add(trailingKey, value);
}

function simpleResponse(request: interopMessages.SimpleRequest): interopMessages.SimpleResponse {
  failAsAsked(request);
  return {
    payload: payloadOf(request.responseType, request.responseSize),
    username: '',
    oauthScope: '',
    serverId: '',
    grpclbRouteType: GrpclbRouteType.GRPCLB_ROUTE_TYPE_UNKNOWN,
    hostname: '',
  };
}

async function* responsesTo(
  request: interopMessages.StreamingOutputCallRequest,
  signal: AbortSignal,
): AsyncGenerator<interopMessages.StreamingOutputCallResponse> {
  failAsAsked(request);
  for (const { size, intervalUs } of request.responseParameters) {
    if (intervalUs > 0) await wait(intervalUs / 1000, undefined, { signal });
    yield { payload: payloadOf(request.responseType, size) };
  }
}

function failAsAsked({ responseStatus }: { readonly responseStatus: interopMessages.EchoStatus | null }): void {
  if (responseStatus !== null && responseStatus.code !== 0)
    throw new RpcError(responseStatus.code, '', responseStatus.message);
}

function payloadOf(type: interopMessages.PayloadType, size: number): interopMessages.Payload {
  return { type, body: Buffer.alloc(size) };
}
