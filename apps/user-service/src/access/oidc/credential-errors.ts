import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';

/** Why a token is refused: for the audit log, and never sent. None has anything of the token in it. */
export type WhyRefused =
  | 'it is too long'
  | 'it is not three parts in base64url'
  | 'its header is no JSON object with each name once'
  | 'its header asks for an extension'
  | 'its type is another'
  | 'its algorithm is not allowed'
  | 'its key id is no text'
  | 'no key of the issuer has its key id'
  | 'no key of the issuer fits it'
  | 'it names none of several keys'
  | 'its signature is wrong'
  | 'its claims are no JSON object with each name once'
  | 'its issuer is another'
  | 'its audience is another'
  | 'its expiry is missing or no time'
  | 'it has expired'
  | 'its start is no time'
  | 'it is not valid yet'
  | 'its time of issue is no time'
  | 'it was issued in the future'
  | 'its subject is missing or no subject'
  | 'its user id is missing or no user id'
  | 'it has no email address'
  | 'its email_verified is the text "true", and has to be the value true'
  | 'it has no verified email address';

/**
 * The token is not accepted. What is sent is the same for every cause, because it would tell who tries tokens how far
 * they got; the cause is in the details, for the audit log.
 */
export function credentialInvalid(why: WhyRefused): RpcError {
  return new RpcError(
    Status.UNAUTHENTICATED,
    'CREDENTIAL_INVALID',
    'The token is not accepted. Sign in again, and send the new one.',
    { cause: why },
  );
}

/** No token can be checked yet. */
export function keysUnavailable(retryDelayMs: number): RpcError {
  return new RpcError(
    Status.UNAVAILABLE,
    'UPSTREAM_UNAVAILABLE',
    'Tokens cannot be checked yet, because the identity provider has not answered. Try again in a moment.',
    { retryDelayMs },
  );
}
