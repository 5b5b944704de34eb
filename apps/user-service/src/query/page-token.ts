import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidFields } from '@rollcall/grpc';

const macBytes = 16;

/**
 * Page tokens: where the next page begins. They are signed together with the query that they belong to, so that nobody
 * makes one up or uses it with another query.
 *
 * @see https://google.aip.dev/158
 */
export class PageTokens {
  readonly #key: Uint8Array;

  /** @param key a secret that all replicas share */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /**
   * @param query what the token is bound to
   * @param key what the page begins behind
   */
  write(query: string, key: readonly (bigint | string)[]): string {
    const values = Buffer.from(JSON.stringify(key.map(String)));
    return Buffer.concat([this.#mac(query, values), values]).toString('base64url');
  }

  /**
   * @param sentAlong what makes up the query, to be named in the error
   * @returns the key as texts
   * @throws RpcError INVALID_FIELD when it is no token of this query
   */
  read(query: string, token: string, sentAlong: string): string[] {
    const bytes = Buffer.from(token, 'base64url');
    const [mac, values] = [bytes.subarray(0, macBytes), bytes.subarray(macBytes)];
    if (mac.length < macBytes || !timingSafeEqual(mac, this.#mac(query, values))) {
      const description = `is not a page token of this query: send ${sentAlong} that it came with`;
      throw invalidFields([{ field: 'page_token', description, reason: 'page_token' }]);
    }
    return JSON.parse(values.toString()) as string[]; // as it was written, for it is signed
  }

  #mac(query: string, values: Uint8Array): Buffer {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(query));
    return createHmac('sha256', this.#key).update(length).update(query).update(values).digest().subarray(0, macBytes);
  }
}
