import type { ColumnType } from 'kysely';

/** An integer column of 64 bits: read as bigint, since ids go beyond what a number can hold. */
type Integer = ColumnType<bigint, number | bigint, number | bigint>;

/** A user as stored. No column is null: comparisons and indexes then mean the same in every engine. */
export interface UsersTable {
  id: Integer;
  name: string;
  /** What names are ordered and searched by; see text-keys.ts. */
  name_key: string;
  /** As the caller wrote it; empty when it is not known. */
  email: string;
  /** What makes two addresses the same; empty when there is none. */
  email_key: string;
  /** -1 when it is not known. */
  age: Integer;
  type: Integer;
  create_time_ms: Integer;
  /** Grows with every change of the user, so that it tells its versions apart. */
  update_time_ms: Integer;
  /** 0 while the user is live. */
  delete_time_ms: Integer;
  /** 0 while the user is live. */
  purge_time_ms: Integer;
}

/** Numbers that are given out in order. Who writes holds these rows until its commit: see engine.ts. */
export interface CountersTable {
  /** `user_id`: the id that is given out next. `change`: the last change. */
  name: string;
  value: Integer;
}

/** The first answers to requests that may be sent again. */
export interface RequestIdsTable {
  /** The id of the caller, `/`, and what the caller sent: see `requestKey`. */
  id: string;
  request_hash: Uint8Array;
  /** The encoded response. */
  answer: Uint8Array;
  create_time_ms: Integer;
}

/** Every change of a user, written in the transaction of the change. */
export interface ChangesTable {
  /** From 1, without holes, in the order of the commits. */
  seq: Integer;
  /** userService.WatchEvent_Kind. */
  kind: Integer;
  /** The encoded user before the change; empty when there was none. */
  before: Uint8Array;
  /** The encoded user after the change. */
  after: Uint8Array;
  commit_time_ms: Integer;
}

/** Random values of this directory, made once. */
export interface SecretsTable {
  /** `directory`: names this directory. `page_token`: the key of page tokens. */
  name: string;
  value: Uint8Array;
}

/** What users sign in by. */
export interface CredentialsTable {
  /** The SHA-256 of the secret, which is kept nowhere. */
  hash: Uint8Array;
  /** `session`, `token`, `ticket`, or `link`, which makes a session; `ended` is a token of the issuer that was signed out. */
  kind: string;
  user_id: Integer;
  /** Of a token: unique among those of its user. Of a ticket: what stands for its caller. Else empty. */
  name: string;
  create_time_ms: Integer;
  expire_time_ms: Integer;
  /** What kind of credential it was made by; empty when that is not known. */
  made_by: string;
  /** Of a session: what signed in, such as a browser; empty when that is not known. */
  agent: string;
  /** More or less: it is written every few minutes of use. 0 when it was not used. */
  last_use_time_ms: Integer;
}

/** Until when all that stands for a user was revoked: tokens of the issuer are not kept, and cannot be removed one by one. */
export interface RevocationsTable {
  user_id: Integer;
  time_ms: Integer;
}

/** What was done and what was denied. Rows are never changed, and removed only where `audit_cuts` says so: the database itself refuses all else. */
export interface AuditTable {
  /** From 1, without holes but for `audit_cuts`. */
  seq: Integer;
  time_ms: Integer;
  /** 0 when it is not known. */
  caller_id: Integer;
  /** 1 for a call that was denied. */
  denied: Integer;
  /** The encoded rollcall.audit.v1.AuditEntry, without its hash. */
  entry: Uint8Array;
  /** The SHA-256 of the previous row's hash and of the entry. */
  hash: Uint8Array;
}

/** Entries of the audit log that were removed. An entry says the same, and it is that which is believed. */
export interface AuditCutsTable {
  first_seq: Integer;
  last_seq: Integer;
  hash: Uint8Array;
}

export interface UsersDatabase {
  users: UsersTable;
  counters: CountersTable;
  request_ids: RequestIdsTable;
  changes: ChangesTable;
  secrets: SecretsTable;
  credentials: CredentialsTable;
  revocations: RevocationsTable;
  audit: AuditTable;
  audit_cuts: AuditCutsTable;
}
