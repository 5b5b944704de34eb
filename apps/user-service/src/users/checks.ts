import { create, fromBinary } from '@bufbuild/protobuf';
import { type FieldViolation, invalidFields } from '@rollcall/grpc';
import { codecsOf, isCertainlyValid, validate } from '@rollcall/contract';
import { rollcallContract, type user, type userService } from '@rollcall/proto';

const service = '/rollcall.user.v1.UserService';
const codecs = codecsOf(rollcallContract);

/** Reads and writes the messages of CreateUser. */
export const createUserCodec = known(codecs.get(`${service}/CreateUser`), 'CreateUser');

/** Reads and writes the messages of ImportUsers. */
export const importUsersCodec = known(codecs.get(`${service}/ImportUsers`), 'ImportUsers');

const { input } = known(rollcallContract.methods.get(`${service}/CreateUser`), 'CreateUser');

/** The rules of the contract that a user breaks, if any; the fields are named from the request on, such as `user.age`. */
export function userViolations(checked: user.User): FieldViolation[] {
  return violations({ user: checked, requestId: '' });
}

/**
 * Checks a request that did not come over v1 by the rules of v1.
 *
 * @returns the request
 * @throws RpcError INVALID_ARGUMENT, which names the fields
 */
export function checkedCreateUser(request: userService.CreateUserRequest): userService.CreateUserRequest {
  const found = violations(request);
  if (found.length === 0) return request;
  throw invalidFields(found);
}

function violations(request: userService.CreateUserRequest): FieldViolation[] {
  if (isCertainlyValid(input, request)) return [];
  const message = request.user === null ? create(input) : fromBinary(input, createUserCodec.encodeRequest(request));
  return validate(input, message).map(({ field, description, rule }) => ({ field, description, reason: rule }));
}

function known<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new Error(`the contract has no ${name}`);
  return found;
}
