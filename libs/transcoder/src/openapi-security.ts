import type { JsonObject } from '@bufbuild/protobuf';
import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import { type AccessRule, user } from '@rollcall/proto';
import type { Binding } from './binding.ts';

/** How an app takes credentials, beside the Authorization header. */
export interface CredentialPlaces {
  /** The cookie that holds the session of a browser. */
  readonly sessionCookie?: string;
  /** The query parameter that holds a ticket: for response streams of GET, which browsers open without headers. */
  readonly ticketParameter?: string;
}

/** What documents say about who may call, from the access options of the contract. Methods without one say nothing. */
export class Security {
  readonly #places: CredentialPlaces;
  readonly #used = new Set<string>();

  constructor(places: CredentialPlaces) {
    this.#places = places;
  }

  /** The ways to sign in for an operation; an empty one stands for callers that are not signed in. */
  of({ method, verb }: Binding): JsonObject[] | undefined {
    const { access } = method;
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

/** Who may call, as a paragraph; empty when the contract does not say. */
export function whoMayCall(rule: AccessRule | undefined): string {
  if (rule === undefined) return '';
  if (rule.anyone) return 'Who may call: anyone, signed in or not.';
  const fields = [...(rule.own?.fields ?? [])].map((name) => `\`${protoCamelCase(name)}\``).join(', ');
  const own = rule.own && `${typeNames(rule.own.types)} on their own record${fields === '' ? '' : `: ${fields}`}`;
  return `Who may call: ${[typeNames(rule.types), own].filter((part) => part !== undefined && part !== '').join('; ')}.`;
}

function typeNames(types: ReadonlySet<number>): string {
  return [...types].map((type) => (user.UserType[type] ?? String(type)).replace(/^USER_TYPE_/, '')).join(', ');
}
