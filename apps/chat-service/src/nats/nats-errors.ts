import { JetStreamApiError } from '@nats-io/jetstream';
import { RpcError } from '@rollcall/grpc';
import { logFull, logUnavailable } from '../errors/chat-errors.ts';

/**
 * Codes of the JetStream API.
 *
 * @see https://github.com/nats-io/nats-server/blob/main/server/errors.json
 */
export const streamNameInUse = 10_058;
export const streamNotFound = 10_059;
export const subjectsOverlap = 10_065;
export const otherLastMessage = 10_071;
export const streamSealed = 10_109;
export const duplicateUnderWay = 10_158;
const insufficientResources = 10_023;
const maximumStreams = 10_027;
const messageNotFound = 10_037;
const storageExceeded = 10_047;
const storeFailed = 10_077;

/** Whether the API answered with this code. */
export function hasCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

export function isStreamNotFound(error: unknown): boolean {
  return hasCode(error, streamNotFound);
}

export function isMessageNotFound(error: unknown): boolean {
  return hasCode(error, messageNotFound);
}

/** Whether the account may have no more streams. */
export function isStreamLimit(error: unknown): boolean {
  return hasCode(error, maximumStreams);
}

/** Whether nobody takes what was published: no stream, or one that has no leader. The driver does not export the class. */
export function isNobodyThere(error: unknown): boolean {
  return error instanceof Error && error.name === 'JetStreamNotEnabled';
}

/** What went wrong in NATS as callers hear of it. What is no error of NATS stays as it is. */
export function natsError(error: unknown): unknown {
  if (error instanceof RpcError || error instanceof TypeError || error instanceof RangeError) return error;
  const isFull =
    hasCode(error, insufficientResources) ||
    hasCode(error, storageExceeded) ||
    (hasCode(error, storeFailed) && error instanceof Error && /space|resources|maximum bytes/.test(error.message));
  return isFull ? logFull(error) : logUnavailable(error);
}
