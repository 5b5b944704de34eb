import { Logger } from '@nestjs/common';
import type { RpcError } from '@rollcall/grpc';

/** How often the same is said, in milliseconds: whoever sends bad tokens must not fill the log. */
const sayMs = 60_000;

/** Of how many reasons it is remembered when they were said. There are fewer. */
const maxReasons = 100;

const logger = new Logger('oidc');

/** Says in the log why tokens of the issuer are of no use here, for whoever sets it up. Nothing of a token is in it. */
export class TokenRefusals {
  readonly #now: () => number;
  readonly #said = new Map<string, number>();

  /** @param now milliseconds from any start, which never go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A token was not accepted. */
  refused({ reason, cause }: RpcError): void {
    if (reason === 'CREDENTIAL_INVALID' && typeof cause === 'string') this.#say(`a token is refused: ${cause}`);
  }

  /** A token was accepted, and the directory has no live user for it. */
  unknownUser(): void {
    this.#say(
      'a token is accepted, but no live user of the directory has its address or id: its caller may do nothing',
    );
  }

  #say(what: string): void {
    const now = this.#now();
    if (now - (this.#said.get(what) ?? -Infinity) < sayMs || this.#said.size >= maxReasons) return;
    this.#said.set(what, now);
    logger.warn(`${what} (said once a minute at the most)`);
  }
}
