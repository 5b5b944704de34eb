/** A field that breaks a rule of the contract. */
export interface Violation {
  /** The path of the field from the request, in proto names: `user.email`, `ids[3]`. Empty for a rule of the whole message. */
  readonly field: string;
  /** Which rule it breaks, such as `string.max_len`. */
  readonly rule: string;
  /** Why, as a sentence fit for the caller. */
  readonly description: string;
}
