import type { ChannelOptions, Client } from '@grpc/grpc-js';
import type { OutgoingCall } from './call-options.ts';

/** Makes the unary calls of a channel that have a deadline in a way of its own, such as many of them in one stream. */
export interface ChannelPlugin {
  /**
   * Called once, while the channel is made.
   *
   * @param connect makes a connection to the target that is the plug-in's own
   * @param channelOptions what the channel's connections have of options of grpc-js
   */
  attach(connect: (options: ChannelOptions) => Client, channelOptions: ChannelOptions): UnaryCalls;
}

export interface UnaryCalls {
  /**
   * Makes a call.
   *
   * @param metadataBytes the size of its metadata
   * @param callPlainly makes it with a stream of its own
   * @returns what cancels it
   */
  call<Request, Response>(
    outgoing: OutgoingCall<Request, Response> & { readonly input: Request },
    metadataBytes: number,
    callPlainly: CallPlainly<Response>,
  ): () => void;
  /** Closes what is the plug-in's own once the calls under way have ended. */
  close(): void;
}

/** Makes a call with a stream of its own. @returns what cancels it */
export type CallPlainly<Response> = <Input>(outgoing: OutgoingCall<Input, Response>) => () => void;
