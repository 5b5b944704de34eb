import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import type { userService } from '@rollcall/proto';
import { appCommand } from '@rollcall/test-servers';
import { VariantProcess } from '../measure/variant-process.ts';
import type { Place } from './engines.ts';
import { methodOf } from './people.ts';

const identity = (bytes: Buffer): Buffer => bytes;

/** A bare client of grpc-js: what is measured is the server. */
export function clientOf(target: string): Client {
  return new Client(target, credentials.createInsecure(), { 'grpc-node.flow_control_window': 1 << 20 });
}

/** A user-service of its own over a database, with a client. */
export class DirectoryService implements AsyncDisposable {
  readonly target: string;
  readonly client: Client;
  readonly process: VariantProcess;

  private constructor(target: string, process: VariantProcess) {
    this.target = target;
    this.process = process;
    this.client = clientOf(target);
  }

  /** @param folder is made, for the socket */
  static async start({ env }: Place, folder: string, signal: AbortSignal): Promise<DirectoryService> {
    mkdirSync(folder, { recursive: true });
    const socketPath = join(folder, 'grpc.sock');
    const target = `unix://${socketPath}`;
    const process = new VariantProcess(appCommand('user-service'), {
      ...env,
      LOG_LEVEL: 'warn',
      USER_LISTEN: target,
    });
    try {
      while (!existsSync(socketPath)) {
        signal.throwIfAborted();
        process.cpuMicros(); // throws when it has ended
        await delay(20);
      }
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
    const service = new DirectoryService(target, process);
    try {
      await ready(service.client); // the file of a socket is there before anybody listens on it
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
    return service;
  }

  get(id: number): Promise<userService.GetUserResponse> {
    return unary(this.client, 'GetUser', { id: String(id) });
  }

  list(request: Partial<userService.ListUsersRequest>): Promise<userService.ListUsersResponse> {
    return unary(this.client, 'ListUsers', request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.process[Symbol.asyncDispose]();
  }
}

/** Brings the tables of the service into a database, and leaves it. */
export async function migrate(place: Place, folder: string, signal: AbortSignal): Promise<void> {
  await using service = await DirectoryService.start(place, folder, signal);
  service.process.cpuMicros();
}

/** A gateway in front of a service. */
export async function startGateway(
  { target }: DirectoryService,
  socketPath: string,
  signal: AbortSignal,
): Promise<VariantProcess> {
  const gateway = new VariantProcess(appCommand('gateway'), {
    LOG_LEVEL: 'warn',
    USER_TARGET: target,
    GATEWAY_LISTEN: `unix://${socketPath}`,
  });
  try {
    await gateway.answers(socketPath, '/v1/caller', signal);
    return gateway;
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

function unary<Response>(client: Client, name: string, request: object): Promise<Response> {
  const { path, codec } = methodOf(name);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, identity, identity, codec.encodeRequest(request), (error, bytes) => {
      if (error !== null || bytes === undefined) reject(error ?? new Error('no answer'));
      else resolve(codec.decodeResponse(bytes) as Response); // by its codec
    });
  });
}

function ready(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + 60_000, (error) => (error === undefined ? resolve() : reject(error)));
  });
}
