import { ConsoleLogger } from '@nestjs/common';
import { currentCall } from '../context/call-context.ts';

/** The parts of Nest that tell how it puts an app together, a line for each module and route. */
const assembly = [
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'NestMicroservice',
];

/**
 * Nest's logger, with the request id of the call that the running code works for in every line. What Nest says while it
 * puts an app together counts as debug.
 */
export class CallLogger extends ConsoleLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && assembly.includes(context)) super.debug(message, ...rest);
    else super.log(message, ...rest);
  }

  /** An error that Nest meets while an app begins to listen is thrown as well, and told by who catches it. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) === 'NestApplication') super.debug(message, ...rest);
    else super.error(message, ...rest);
  }

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
