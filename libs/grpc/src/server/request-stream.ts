import { Observable } from 'rxjs';
import { type CallContext, callStorage } from '../context/call-context.ts';
import { cancelled, cutRequest } from '../status/call-errors.ts';
import { emit } from '../backpressure/backpressure.ts';
import { type Reading, wasHalfClosed } from '../connections/half-close.ts';
import { endsInsideMessage } from '../internals/http2-streams.ts';

/**
 * The requests of a call, once. Nothing is read from the socket before somebody subscribes, nor while a sink is full. A
 * stream that did not half-close, or did inside a message, errors; it never completes.
 *
 * @param decode throws the error of a request that cannot be taken
 */
export function requestStream(
  reading: Reading,
  context: CallContext,
  decode: (bytes: Buffer) => object,
): Observable<object> {
  let taken = false;
  return new Observable<object>((subscriber) => {
    if (taken) {
      subscriber.error(new Error('a request stream can be read once'));
      return undefined;
    }
    taken = true;
    const { signal } = context;
    const onData = (bytes: Buffer): void => {
      callStorage.run(context, () => {
        let message: object;
        try {
          message = decode(bytes);
        } catch (error) {
          subscriber.error(error);
          return;
        }
        const full = emit(subscriber, message);
        if (full === undefined) return;
        reading.pause();
        void full.then(() => {
          if (!subscriber.closed) reading.resume();
        });
      });
    };
    const onAborted = (): void => subscriber.error(signal.reason);
    const onEnd = (): void => {
      void wasHalfClosed(reading).then((halfClosed) => {
        if (!halfClosed) subscriber.error(cancelled());
        else if (endsInsideMessage(reading)) subscriber.error(cutRequest());
        else callStorage.run(context, () => subscriber.complete());
      });
    };
    signal.addEventListener('abort', onAborted);
    reading.on('data', onData);
    reading.on('end', onEnd);
    return () => {
      signal.removeEventListener('abort', onAborted);
      reading.off('data', onData);
      reading.off('end', onEnd);
      reading.pause();
    };
  });
}
