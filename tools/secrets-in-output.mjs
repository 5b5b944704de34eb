// Looks for secrets in what tests and the processes that they start write: none may stand in a log.

/** Credentials of ours that are no made-up ones (43 times the same letter), tokens of issuers, and private keys. */
const secret =
  /rc[stkl]_(?!([A-Za-z0-9_-])\1{42})[A-Za-z0-9_-]{43}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/g;

/** Longer than a secret that is cut in two by the chunks of a stream. */
const overlap = 4096;

/** Finds secrets in the chunks of a text. */
export class SecretFinder {
  /** What was found, as far as it can be shown. */
  found = new Set();
  #tail = '';

  look(chunk) {
    const text = this.#tail + chunk;
    for (const [match] of text.matchAll(secret)) this.found.add(`${match.slice(0, 8)}… of ${match.length} characters`);
    this.#tail = text.slice(-overlap);
  }
}
