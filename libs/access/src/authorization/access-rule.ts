import { type DescMessage, getOption, hasOption } from '@bufbuild/protobuf';
import { accessOption, user } from '@rollcall/proto';
import { type Method } from '@rollcall/contract';

const { UserType } = user;

/** The exception for the caller's own record. Paths are names of fields from the request, joined by dots. */
export interface OwnRecordRule {
  /** The types of users for whom it holds. */
  readonly types: ReadonlySet<number>;
  /** Where the request has the id of the record. */
  readonly userIdField: string;
  /** Where it has the record, when the method changes fields of it; else empty. */
  readonly recordField: string;
  /** The fields of the record that may be changed. */
  readonly fields: ReadonlySet<string>;
}

/** Who may call a method: the option `rollcall.user.v1.access`. */
export interface AccessRule {
  /** Whether everybody may, signed in or not. */
  readonly anyone: boolean;
  /** The types of users who may. */
  readonly types: ReadonlySet<number>;
  readonly own: OwnRecordRule | undefined;
  /** Whether processes of the system may. */
  readonly services: boolean;
}

const everybody: AccessRule = { anyone: true, types: new Set(), own: undefined, services: true };
const readers: AccessRule = {
  anyone: false,
  types: new Set([UserType.USER_TYPE_ADMINISTRATOR, UserType.USER_TYPE_NORMAL, UserType.USER_TYPE_GUEST]),
  own: undefined,
  services: true,
};

const administrators: AccessRule = {
  anyone: false,
  types: new Set([UserType.USER_TYPE_ADMINISTRATOR]),
  own: undefined,
  services: false,
};
const readingUsers: AccessRule = { ...readers, services: false };
const writers: AccessRule = {
  ...readingUsers,
  types: new Set([UserType.USER_TYPE_ADMINISTRATOR, UserType.USER_TYPE_NORMAL]),
};

/** Services whose protos are not ours to write into, as they were published, or which a library serves that knows no rights. */
const rulesOfServices: Readonly<Record<string, AccessRule>> = {
  'grpc.health.v1.Health': everybody,
  'grpc.reflection.v1.ServerReflection': readers,
  'grpc.reflection.v1alpha.ServerReflection': readers,
  // Each batched call is authorized by its own metadata, and the stream itself answers nothing.
  'rollcall.transport.v1.BatchService': everybody,
  UserManager: readingUsers,
  UserService: readingUsers,
  'grpc.ChatServer': readingUsers,
};

/** Their methods that change something. */
const rulesOfMethods: Readonly<Record<string, AccessRule>> = {
  'UserManager.AddUser': administrators,
  'UserService.CreateUser': administrators,
  'grpc.ChatServer.SendNote': writers,
};

const known = new WeakMap<Method, AccessRule | undefined>();

/**
 * Who may call a method; undefined when its proto does not say, so that nobody may.
 *
 * @throws Error when the rule names a field that the request does not have
 */
export function accessRuleOf(method: Method): AccessRule | undefined {
  if (known.has(method)) return known.get(method);
  const rule = readRule(method);
  known.set(method, rule);
  return rule;
}

/** Whether anybody may call a method, signed in or not. */
export function isOpenToAll(method: Method): boolean {
  return accessRuleOf(method)?.anyone === true;
}

function readRule({ desc, input, service, name }: Method): AccessRule | undefined {
  if (!hasOption(desc, accessOption)) return rulesOfMethods[`${service}.${name}`] ?? rulesOfServices[service];
  const { anyone, types, own, services } = getOption(desc, accessOption);
  if (own === undefined) return { anyone, types: new Set(types), own, services };
  const { userIdField, recordField } = own;
  for (const path of [userIdField, ...(recordField === '' ? [] : [recordField])]) {
    if (!hasField(input, path.split('.')))
      throw new Error(`${service}.${name}: its access option names "${path}", which is no field`);
  }
  return {
    anyone,
    types: new Set(types),
    own: { types: new Set(own.types), userIdField, recordField, fields: new Set(own.fields) },
    services,
  };
}

function hasField(message: DescMessage | undefined, [name, ...rest]: readonly string[]): boolean {
  const field = message?.fields.find((each) => each.name === name);
  return field !== undefined && (rest.length === 0 || hasField(field.message, rest));
}
