import { type JetStreamClient, jetstream, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, errors, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { Logger } from '@nestjs/common';
import { logUnavailable } from '../errors/chat-errors.ts';
import { natsError } from './nats-errors.ts';
import type { NatsConfig } from './nats-environment.ts';

/** How long a request may take, and a connection to be made, in milliseconds. */
const requestMs = 4000;
const connectMs = 2000;

/** How long one try may take of a request that is made again, in milliseconds. */
const tryMs = 1000;

/** How long to wait before the next try to connect, in milliseconds: at least, and how much more at random. */
const retryMs = 150;
const retryJitterMs = 600;

/** A server that does not answer so often is taken for gone: after 6 seconds at the latest. */
const pingMs = 2000;
const maxPings = 2;

/** Which version of nats-server is the oldest that is tested. */
const oldestVersion = [2, 9] as const;

/** A connection, as long as there is one. */
export interface Connected {
  readonly nats: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** The same, whose requests are given up sooner, to be made again. */
  readonly quickJsm: JetStreamManager;
}

interface Subscribed {
  readonly subject: string;
  readonly hear: (message: Msg) => void;
  unsubscribe: (() => void) | undefined;
}

const logger = new Logger('NATS');

/**
 * The way to NATS: a connection, and another one when it ends, for ever. It makes them itself, since the driver leaves the
 * requests of a connection that breaks to time out, keeps what is published meanwhile, and gives up after some refusals.
 */
export class NatsLink {
  readonly #config: NatsConfig;
  readonly #subscribed = new Set<Subscribed>();
  readonly #connectListeners = new Set<() => void>();
  #connected: Connected | undefined;
  #closed = false;
  #stopWaiting: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  private constructor(config: NatsConfig) {
    this.#config = config;
  }

  /**
   * Connects, and waits for a server that is not there yet: containers start in any order.
   *
   * @throws Error when the server refuses us, is too old, or is no cluster and should be one
   */
  static async open(config: NatsConfig): Promise<NatsLink> {
    const link = new NatsLink(config);
    for (let waiting = false; ; waiting = true) {
      try {
        link.#running = link.#run(await link.#connect());
        return link;
      } catch (error) {
        if (isRefusal(error)) throw new Error(`NATS_URL: ${error.message}`, { cause: error });
        if (!waiting) logger.warn('waiting for JetStream at NATS_URL');
        await link.#rest();
      }
    }
  }

  /** Whether there is a connection. */
  get isConnected(): boolean {
    return this.#connected !== undefined;
  }

  /** Asks something of NATS. @throws RpcError LOG_UNAVAILABLE, also at once when there is no connection, or what `ask` throws that is no error of NATS */
  async ask<T>(ask: (connected: Connected) => Promise<T>): Promise<T> {
    try {
      return await this.askPlainly(ask);
    } catch (error) {
      throw natsError(error);
    }
  }

  /**
   * Asks for something that may be asked for again: of a stream that has no leader at the moment nobody answers, and
   * whoever leads it next has not heard the question.
   *
   * @throws RpcError LOG_UNAVAILABLE when nobody has answered in time, or what `ask` throws that is no error of NATS
   */
  async askUntilAnswered<T>(ask: (jsm: JetStreamManager) => Promise<T>): Promise<T> {
    const untilMs = Date.now() + requestMs;
    for (;;) {
      try {
        return await this.askPlainly(({ quickJsm }) => ask(quickJsm));
      } catch (error) {
        if (!(error instanceof errors.TimeoutError) || Date.now() >= untilMs) throw natsError(error);
      }
    }
  }

  /** The same as `ask`, with the errors of the driver. @throws RpcError LOG_UNAVAILABLE when there is no connection */
  askPlainly<T>(ask: (connected: Connected) => Promise<T>): Promise<T> {
    return this.#connected === undefined ? Promise.reject(logUnavailable('not connected')) : ask(this.#connected);
  }

  /** Publishes what nobody has to hear. Without a connection it is forgotten. */
  publish(subject: string, data: Uint8Array): void {
    const nats = this.#connected?.nats;
    if (nats === undefined || nats.isClosed()) return;
    try {
      nats.publish(subject, data);
    } catch (error) {
      logger.error(error); // such as that it is larger than the server takes
    }
  }

  /** Hears of messages, over every connection. Those that are published while there is none are lost. @returns what ends that */
  subscribe(subject: string, hear: (message: Msg) => void): () => void {
    const subscribed: Subscribed = { subject, hear, unsubscribe: undefined };
    this.#subscribed.add(subscribed);
    if (this.#connected !== undefined) listen(this.#connected.nats, subscribed);
    return () => {
      this.#subscribed.delete(subscribed);
      subscribed.unsubscribe?.();
    };
  }

  /** Hears when there is another connection, once what is subscribed is again. @returns what ends that */
  onConnect(listener: () => void): () => void {
    this.#connectListeners.add(listener);
    return () => void this.#connectListeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopWaiting();
    await this.#connected?.nats.close();
    await this.#running;
  }

  async #run(first: Connected): Promise<void> {
    for (let next: Connected | undefined = first; next !== undefined; next = await this.#connectAgain()) {
      this.#connected = next;
      for (const subscribed of this.#subscribed) listen(next.nats, subscribed);
      if (next !== first) {
        logger.log('NATS is there again');
        for (const listener of this.#connectListeners) listener();
      }
      await next.nats.closed();
      this.#connected = undefined;
      for (const subscribed of this.#subscribed) subscribed.unsubscribe = undefined;
      if (!this.#closed) logger.warn('the connection to NATS has ended');
    }
  }

  async #connectAgain(): Promise<Connected | undefined> {
    while (!this.#closed) {
      await this.#rest();
      try {
        const connected = await this.#connect();
        if (!this.#closed) return connected;
        await connected.nats.close();
      } catch (error) {
        if (isRefusal(error)) logger.error(`NATS_URL: ${error.message}`); // else it is not there yet
      }
    }
    return undefined;
  }

  async #connect(): Promise<Connected> {
    const { servers, tls, user, password, replicas } = this.#config;
    const nats = await connect({
      servers: [...servers],
      ...(tls ? { tls: {} } : {}),
      ...(user === undefined ? {} : { user, pass: password }),
      name: 'rollcall chat-service',
      reconnect: false,
      timeout: connectMs,
      pingInterval: pingMs,
      maxPingOut: maxPings,
      noAsyncTraces: true,
    });
    try {
      checkServer(nats, replicas);
      // JetStream comes up after the server does.
      const jsm = await jetstreamManager(nats, { timeout: requestMs });
      const quickJsm = await jetstreamManager(nats, { timeout: tryMs, checkAPI: false });
      return { nats, jsm, quickJsm, js: jetstream(nats, { timeout: requestMs }) };
    } catch (error) {
      await nats.close();
      throw error;
    }
  }

  #rest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, retryMs + Math.random() * retryJitterMs);
    this.#stopWaiting = () => {
      clearTimeout(timer);
      resolve();
    };
    return promise;
  }
}

/** The server is not what we need. */
class UnfitServer extends Error {}

function checkServer({ info }: NatsConnection, replicas: number): void {
  const [major = 0, minor = 0] = (info?.version ?? '').split('.').map(Number);
  if (major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1]))
    throw new UnfitServer(`nats-server ${oldestVersion.join('.')} or later is needed`);
  if (replicas > 1 && info?.cluster === undefined)
    throw new UnfitServer(`its server is in no cluster, which NATS_REPLICAS=${replicas} needs`);
}

/** Whether it is useless to try again. */
function isRefusal(error: unknown): error is Error {
  if (error instanceof UnfitServer || error instanceof errors.AuthorizationError) return true;
  // A certificate that does not prove who the server is, or no TLS at all.
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return (
    error instanceof Error && (/CERT|SIGNATURE|ALTNAME|^ERR_TLS/.test(code) || /not support 'tls'/.test(error.message))
  );
}

function listen(nats: NatsConnection, subscribed: Subscribed): void {
  if (nats.isClosed()) return; // another one follows
  const subscription = nats.subscribe(subscribed.subject, {
    callback: (error, message) => {
      // What is thrown here would end the driver's reading without a word.
      try {
        if (error === null) subscribed.hear(message);
        else logger.error(`${subscribed.subject}: ${error.message}`);
      } catch (failure) {
        logger.error(failure);
      }
    },
  });
  subscribed.unsubscribe = () => subscription.unsubscribe();
}
