import { type DescMessage, type DescMethod, getOption, hasOption } from '@bufbuild/protobuf';
import { access as accessOption } from './gen/codecs/rollcall/user/v1/access_pb.ts';
import { UserType } from './gen/codecs/rollcall/user/v1/user_pb.ts';

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
  types: new Set([UserType.ADMINISTRATOR, UserType.NORMAL, UserType.GUEST]),
  own: undefined,
  services: true,
};

const administrators: AccessRule = {
  anyone: false,
  types: new Set([UserType.ADMINISTRATOR]),
  own: undefined,
  services: false,
};
const readingUsers: AccessRule = { ...readers, services: false };
const writers: AccessRule = {
  ...readingUsers,
  types: new Set([UserType.ADMINISTRATOR, UserType.NORMAL]),
};

/** Services whose protos are not ours to write into: they stay as they were published. */
const rulesOfServices: Readonly<Record<string, AccessRule>> = {
  'grpc.health.v1.Health': everybody,
  'grpc.reflection.v1.ServerReflection': readers,
  'grpc.reflection.v1alpha.ServerReflection': readers,
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

/**
 * Who may call a method; undefined when its proto does not say, so that nobody may.
 *
 * @throws Error when the rule names a field that the request does not have
 */
export function accessRuleOf(method: DescMethod): AccessRule | undefined {
  const service = method.parent.typeName;
  if (!hasOption(method, accessOption)) return rulesOfMethods[`${service}.${method.name}`] ?? rulesOfServices[service];
  const { anyone, types, own, services } = getOption(method, accessOption);
  if (own === undefined) return { anyone, types: new Set(types), own, services };
  const { userIdField, recordField } = own;
  for (const path of [userIdField, ...(recordField === '' ? [] : [recordField])]) {
    if (!hasField(method.input, path.split('.')))
      throw new Error(`${method.parent.typeName}.${method.name}: its access option names "${path}", which is no field`);
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
