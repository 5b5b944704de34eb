/** What filters and orders read of the table `users`. No column is nullable: a value stands for what is not known. */
export interface QueriedUsers {
  id: bigint;
  name: string;
  /** `nameKey` of the name. */
  name_key: string;
  /** Empty when it is not known. */
  email: string;
  /** `emailKey` of the address; empty when it is not known. */
  email_key: string;
  /** -1 when it is not known. */
  age: bigint;
  /** The number of a `user.UserType`. */
  type: bigint;
  create_time_ms: bigint;
  update_time_ms: bigint;
  /** 0 when it is not set. */
  delete_time_ms: bigint;
  /** 0 when it is not set. */
  purge_time_ms: bigint;
}
