import { status as Status } from '@grpc/grpc-js';
import * as health from '../gen/grpc/health/v1/health.ts';
import { BehaviorSubject, distinctUntilChanged, map, type Observable } from 'rxjs';
import { RpcError } from '../status/rpc-error.ts';
import type { Handler } from '../context/handler.ts';

const { HealthCheckResponse_ServingStatus: ServingStatus } = health;

type Statuses = ReadonlyMap<string, health.HealthCheckResponse_ServingStatus>;

/**
 * Whether the server and its services serve, as grpc.health.v1.Health tells it.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export class Health {
  readonly #statuses: BehaviorSubject<Statuses>;

  /** @param services the full names of the services; the empty name, the server as a whole, is among them by itself */
  constructor(services: readonly string[]) {
    this.#statuses = new BehaviorSubject<Statuses>(
      new Map(['', ...services].map((service) => [service, ServingStatus.NOT_SERVING])),
    );
  }

  /** Says of every service whether it serves. */
  set(serving: boolean): void {
    const status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    this.#statuses.next(new Map([...this.#statuses.value.keys()].map((service) => [service, status])));
  }

  /** Says of every service that it does not serve, and ends all watches, for the server ends. */
  close(): void {
    this.set(false);
    this.#statuses.complete();
  }

  /** The handlers of grpc.health.v1.Health, by path. */
  handlers(): Map<string, Handler> {
    return new Map<string, Handler>([
      ['/grpc.health.v1.Health/Check', (request) => this.#check(request as health.HealthCheckRequest)],
      ['/grpc.health.v1.Health/List', () => this.#list()],
      ['/grpc.health.v1.Health/Watch', (request) => this.#watch(request as health.HealthCheckRequest)],
    ]);
  }

  #check({ service }: health.HealthCheckRequest): health.HealthCheckResponse {
    const status = this.#statuses.value.get(service);
    if (status === undefined)
      throw new RpcError(Status.NOT_FOUND, 'UNKNOWN_METHOD', `This server has no service "${service}".`);
    return { status };
  }

  #list(): health.HealthListResponse {
    const entries = [...this.#statuses.value].map(([service, status]) => [service, { status }] as const);
    return { statuses: Object.fromEntries(entries) };
  }

  #watch({ service }: health.HealthCheckRequest): Observable<health.HealthCheckResponse> {
    return this.#statuses.pipe(
      map((statuses) => statuses.get(service) ?? ServingStatus.SERVICE_UNKNOWN),
      distinctUntilChanged(),
      map((status) => ({ status })),
    );
  }
}
