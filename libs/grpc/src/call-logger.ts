import { ConsoleLogger } from '@nestjs/common';
import { currentCall } from './call-context.ts';

/** Nest's logger, with the request id of the call that the running code works for in every line. */
export class CallLogger extends ConsoleLogger {
  protected override getJsonLogObject(
    ...args: Parameters<ConsoleLogger['getJsonLogObject']>
  ): ReturnType<ConsoleLogger['getJsonLogObject']> {
    return { ...super.getJsonLogObject(...args), ...requestIdField() };
  }

  protected override formatContext(context: string): string {
    const { requestId } = requestIdField();
    return super.formatContext(requestId === undefined ? context : `${context} ${requestId}`);
  }
}

function requestIdField(): { requestId?: string } {
  const call = currentCall();
  return call === undefined ? {} : { requestId: call.requestId };
}
