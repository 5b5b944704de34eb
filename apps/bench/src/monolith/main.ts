// The variant `monolith`: HTTP and the store in one process, with nothing but Fastify between them.
import { user } from '@rollcall/proto';
import fastify from 'fastify';
import { etagOf, PlainUsers, type UserRow } from '../gateway/plain-users.ts';
import { newUserSchema, userSchema } from '../gateway/user-schema.ts';

const users = new PlainUsers(process.env['DATA_DIR'] ?? '');
const app = fastify();
const idSchema = { type: 'object', properties: { id: newUserSchema.properties.id } } as const;

app.get<{ Params: { id: string } }>(
  '/v1/users/:id',
  { schema: { params: idSchema, response: { 200: userSchema } } },
  (request, reply) => {
    const row = users.get(BigInt(request.params.id));
    if (row === undefined) reply.status(404).send({ message: 'There is no such user.' });
    else reply.send(userJson(row));
  },
);

interface NewUser {
  readonly id?: string;
  readonly name: string;
  readonly email?: string;
  readonly age?: number;
  readonly type?: keyof typeof user.UserType | number;
}

app.post<{ Body: NewUser }>(
  '/v1/users',
  { schema: { body: newUserSchema, response: { 201: userSchema } } },
  (request, reply) => {
    const { id = '0', name, email = '', age, type = 'USER_TYPE_NORMAL' } = request.body;
    const row = users.create({
      id: BigInt(id),
      name,
      email,
      age: BigInt(age ?? -1),
      type: BigInt(typeof type === 'number' ? type : user.UserType[type]),
    });
    if (row === undefined) reply.status(409).send({ message: 'The id or the email address is taken.' });
    else reply.status(201).send(userJson(row));
  },
);

function userJson(row: UserRow): object {
  return {
    id: String(row.id),
    name: row.name,
    email: row.email,
    age: row.age < 0n ? undefined : Number(row.age),
    type: user.UserType[Number(row.type)],
    createTime: timeJson(row.create_time_ms),
    updateTime: timeJson(row.update_time_ms),
    deleteTime: row.delete_time_ms === 0n ? undefined : timeJson(row.delete_time_ms),
    purgeTime: row.purge_time_ms === 0n ? undefined : timeJson(row.purge_time_ms),
    etag: etagOf(row),
  };
}

function timeJson(ms: bigint): string {
  return new Date(Number(ms)).toISOString().replace('.000Z', 'Z'); // as ProtoJSON writes it
}

process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
await app.listen({ path: process.env['LISTEN'] ?? '' });
