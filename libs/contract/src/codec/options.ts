/**
 * How messages look in TypeScript, said once for the two that must agree: the codecs that read and write them at run
 * time, and the generator of their types. A test sends a message with every kind of field through both.
 */

/** Options of the codecs, for @grpc/proto-loader. */
export const loaderOptions = {
  keepCase: false, // snakeToCamel; see descriptors.ts
  longs: String, // forceLong=string: a 64-bit number does not fit a number
  enums: Number, // stringEnums=false, unrecognizedEnum=true
  bytes: Buffer, // env=node
  defaults: true, // useOptionals=none: what was not sent has its default
  arrays: true,
  objects: true,
  oneofs: false, // oneof=properties: the members stand side by side
} as const;

/** Options of the generator, ts-proto. */
export const generatorOptions = [
  'nestJs=true', // interfaces with Observables, no codecs
  'snakeToCamel=true',
  'forceLong=string',
  'stringEnums=false',
  'unrecognizedEnum=true',
  'env=node',
  'useOptionals=none',
  'useNullAsOptional=true', // a message that was not sent is null
  'addNestjsRestParameter=true', // handlers take the call as their second parameter
  'useDate=false', // a Timestamp is {seconds, nanos}, as on the wire
  'oneof=properties',
  'comments=true',
  'esModuleInterop=true',
  'importSuffix=.ts',
  'outputTypeRegistry=false',
  'outputPartialMethods=false',
];
