import { addressKeys } from '../addresses/address-keys.ts';
import { type Rate, RateLimit } from './rate-limit.ts';

/** How much more the networks of one IPv6 site (a /48) may do together than one of them (a /64). */
const networksOfSite = 10;

/** What an address may do, each purpose by itself: what it does too much of one leaves it the others. */
export class AddressRate {
  readonly #ofOne: RateLimit;
  readonly #ofSite: RateLimit;

  constructor({ burst, perSecond }: Rate, now?: () => number) {
    this.#ofOne = new RateLimit({ burst, perSecond }, now);
    this.#ofSite = new RateLimit({ burst: burst * networksOfSite, perSecond: perSecond * networksOfSite }, now);
  }

  /** Takes one. @returns 0 when it was there, else how long to wait for it, in milliseconds */
  take(purpose: string, address: string): number {
    const { one, site } = addressKeys(address);
    if (site === undefined) return this.#ofOne.take(`${purpose} ${one}`);
    const waitMs = this.#ofSite.wait(`${purpose} ${site}`);
    return waitMs > 0 ? waitMs : this.#ofOne.take(`${purpose} ${one}`) || this.#ofSite.take(`${purpose} ${site}`);
  }

  /** As `take`, but takes nothing. */
  wait(purpose: string, address: string): number {
    const { one, site } = addressKeys(address);
    const waitMs = site === undefined ? 0 : this.#ofSite.wait(`${purpose} ${site}`);
    return Math.max(waitMs, this.#ofOne.wait(`${purpose} ${one}`));
  }
}
