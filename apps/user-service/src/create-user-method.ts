import { fromBinary } from '@bufbuild/protobuf';
import { invalidFields } from '@rollcall/grpc';
import { codecsOf, rollcallContract, type userService, validate } from '@rollcall/proto';

const path = '/rollcall.user.v1.UserService/CreateUser';

/** Reads and writes the messages of CreateUser. */
export const createUserCodec = known(codecsOf(rollcallContract).get(path));

const { input } = known(rollcallContract.methods.get(path));

/**
 * Checks a request that did not come over v1 by the rules of v1.
 *
 * @returns the request
 * @throws RpcError INVALID_ARGUMENT, which names the fields
 */
export function checkedCreateUser(request: userService.CreateUserRequest): userService.CreateUserRequest {
  const violations = validate(input, fromBinary(input, createUserCodec.encodeRequest(request)));
  if (violations.length === 0) return request;
  throw invalidFields(violations.map(({ field, description, rule }) => ({ field, description, reason: rule })));
}

function known<T>(found: T | undefined): T {
  if (found === undefined) throw new Error(`the contract has no ${path}`);
  return found;
}
