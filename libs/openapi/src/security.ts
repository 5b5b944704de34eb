import type { JsonObject } from '@bufbuild/protobuf';
import type { Method, Binding } from '@rollcall/contract';

/** How an app takes credentials, beside the Authorization header. */
export interface CredentialPlaces {
  /** The cookie that holds the session of a browser. */
  readonly sessionCookie?: string;
  /** The query parameter that holds a ticket: for response streams of GET, which browsers open without headers. */
  readonly ticketParameter?: string;
}

/** Who may call a method. */
export interface DescribedAccess {
  /** Whether callers who are not signed in may. */
  readonly anyone: boolean;
  /** Who may, as the end of the sentence "Who may call: …". */
  readonly who: string;
}

/** Says who may call a method; undefined when that is not known, or the same for all. */
export type DescribeAccess = (method: Method) => DescribedAccess | undefined;

/** What documents say about who may call. */
export class Security {
  readonly #places: CredentialPlaces;
  readonly #accessOf: DescribeAccess;
  readonly #used = new Set<string>();

  constructor(places: CredentialPlaces, accessOf: DescribeAccess) {
    this.#places = places;
    this.#accessOf = accessOf;
  }

  accessOf(method: Method): DescribedAccess | undefined {
    return this.#accessOf(method);
  }

  /** The ways to sign in for an operation; an empty one stands for callers that are not signed in. */
  of({ method, verb }: Binding): JsonObject[] | undefined {
    const access = this.#accessOf(method);
    if (access === undefined) return undefined;
    const { sessionCookie, ticketParameter } = this.#places;
    const opensStream = verb === 'GET' && method.responseStream;
    const names = [
      'bearer',
      ...(sessionCookie === undefined ? [] : ['session']),
      ...(ticketParameter === undefined || !opensStream ? [] : ['ticket']),
    ];
    for (const name of names) this.#used.add(name);
    return [...(access.anyone ? [{}] : []), ...names.map((name) => ({ [name]: [] }))];
  }

  /** The ways to sign in that operations have. */
  schemes(): JsonObject {
    const { sessionCookie = '', ticketParameter = '' } = this.#places;
    const schemes: JsonObject = {
      bearer: { type: 'http', scheme: 'bearer', description: 'A session, a token, or a token of the OpenID issuer.' },
      session: {
        type: 'apiKey',
        in: 'cookie',
        name: sessionCookie,
        description: `The session of a browser; under TLS the cookie is called \`__Host-${sessionCookie}\`. Writes by it have to come from pages of this origin.`,
      },
      ticket: {
        type: 'apiKey',
        in: 'query',
        name: ticketParameter,
        description: 'A ticket, which opens one stream, for those who cannot send headers, such as EventSource.',
      },
    };
    return Object.fromEntries(Object.entries(schemes).filter(([name]) => this.#used.has(name)));
  }
}
