/** A contract as data: descriptors of protos in, methods, HTTP rules, codecs, ProtoJSON and validation out. Any descriptor set. */
export { type Contract, readContract } from './read-contract.ts';
export { type HttpBinding, type Method, type MethodKind, methodsOf } from './methods.ts';
export { codecsOf, type MethodCodec } from './codec/codecs.ts';
export { generatorOptions, loaderOptions } from './codec/options.ts';
export { isPlainInteger, parseInteger, parseTimestamp, type Seconds } from './proto-json/grammar.ts';
export { ExactNumber, fieldNamed, isJsonMembers, type Json, type JsonMembers } from './proto-json/json.ts';
export { ProtoJsonError, readProtoJson, type UnreadableField } from './proto-json/read-message.ts';
export { describeField, readEnum, readScalar, type Scalar } from './proto-json/read-scalar.ts';
export { isCertainlyValid } from './validation/certainly-valid.ts';
export { largestMessage } from './validation/largest-message.ts';
export { hasRules, validate } from './validation/validate.ts';
export type { Violation } from './validation/violation.ts';
export { Cursor, cursor } from './gen/codecs/rollcall/type/v1/cursor_pb.ts';
export { item_body as itemBody } from './gen/codecs/rollcall/type/v1/item_body_pb.ts';
export { FieldBehavior, field_behavior as fieldBehavior } from './gen/codecs/google/api/field_behavior_pb.ts';
export { StatusSchema } from './gen/codecs/google/rpc/status_pb.ts';
export { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from './gen/codecs/google/rpc/error_details_pb.ts';
export {
  parsePathTemplate,
  type PathTemplate,
  type Segment,
  type Variable,
  variableValue,
} from './http/path-template.ts';
export { type Binding, bindingsOf } from './http/binding.ts';
export {
  isJsonObject,
  findField,
  type FieldPath,
  jsonPath,
  camelCase,
  findFieldPath,
  getAtPath,
  putAtPath,
} from './http/field-path.ts';
