export { type Caller, callerOf, type CredentialKind, currentCaller } from './caller.ts';
