import type { IncomingMessage } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Observable } from 'rxjs';

/** The one response of a call; undefined when the caller has gone away, which cancels the call. */
export function onlyValue<T>(
  responses: Observable<T>,
  request: IncomingMessage,
  reply: FastifyReply,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let value: T | undefined;
    const onClose = (): void => {
      subscription.unsubscribe();
      resolve(undefined);
    };
    const settle = (): void => void reply.raw.off('close', onClose);
    reply.raw.on('close', onClose);
    const subscription = responses.subscribe({
      next: (response) => (value = response),
      error: (error: unknown) => {
        settle();
        reject(error);
      },
      complete: () => {
        settle();
        resolve(value);
      },
    });
    if (request.destroyed && reply.raw.destroyed) onClose();
  });
}
