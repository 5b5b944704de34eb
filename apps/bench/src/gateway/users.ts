import { isDeepStrictEqual } from 'node:util';
import { HttpConnection, type HttpAnswer } from '../measure/http-connection.ts';
import type { LoadRequest } from '../measure/http-load.ts';

/** How many users the store holds at first, with the ids from 1. */
const userCount = 1000;

let created = 0;

/** The id of one of the users at first. */
export function randomUserId(): number {
  return 1 + Math.floor(Math.random() * userCount);
}

/** The request to get one of the users at first, and its right answer. */
export function getRandomUser(credential?: string): LoadRequest {
  const id = randomUserId();
  const start = `{"id":"${id}",`;
  return { text: getText(id, credential), isRight: ({ status, body }) => status === 200 && body.startsWith(start) };
}

/** The request to create another user, whose id the server chooses, and its right answer. */
export function createNextUser(): LoadRequest {
  const { email, ...user } = nextUser();
  const echo = `"email":"${email}"`;
  return {
    text: createText({ ...user, email }),
    isRight: ({ status, body }) => status === 201 && /^\{"id":"[1-9]\d*",/.test(body) && body.includes(echo),
  };
}

/** Fills an empty store. */
export async function seedUsers(socketPath: string): Promise<void> {
  let left = userCount;
  const create = async (): Promise<void> => {
    await using connection = await HttpConnection.open(socketPath);
    while (left > 0) {
      left -= 1;
      const request = createNextUser();
      const answer = await connection.ask(request.text);
      if (!request.isRight(answer))
        throw new Error(`the first users cannot be created: ${answer.status} ${answer.body}`);
    }
  };
  await Promise.all(Array.from({ length: 50 }, create));
}

/** Asks every server the same. @throws Error when they do not agree, for then their figures could not be compared */
export async function mustAgree(servers: readonly { name: string; socketPath: string }[]): Promise<void> {
  const [user, unknown] = [nextUser(), 1_000_000_000];
  const requests = [getText(1), getText(userCount), getText(unknown), createText(user), createText(user)];
  const invalid = [{ name: '' }, { name: 'Ann', email: 'ann' }, { name: 'Ann', age: 151 }, { name: 'Ann', id: 'x' }];
  for (const request of [...requests, ...invalid.map(createText)]) {
    const answers = await Promise.all(servers.map((server) => ask(server.socketPath, request)));
    for (const [index, answer] of answers.entries()) {
      if (isDeepStrictEqual(answer, answers[0])) continue;
      const [expected, actual] = [answers[0], answer].map((each) => JSON.stringify(each));
      throw new Error(`${servers[index]?.name} answers ${actual}, and ${servers[0]?.name} ${expected}, to ${request}`);
    }
  }
}

/** What must be the same: all of a user but what tells the time of its creation, and the status alone of an error. */
async function ask(socketPath: string, request: string): Promise<unknown> {
  await using connection = await HttpConnection.open(socketPath);
  const { status, body }: HttpAnswer = await connection.ask(request);
  if (status >= 400) return status;
  const user = JSON.parse(body) as Record<string, unknown>;
  return status === 201 ? { ...user, createTime: '', updateTime: '', etag: '' } : user;
}

function nextUser(): { name: string; email: string; age: number; type: string } {
  created += 1;
  return {
    name: `User Number ${created}`,
    email: `user.${created}@bench.example`,
    age: created % 100,
    type: 'USER_TYPE_NORMAL',
  };
}

function getText(id: number, credential?: string): string {
  const authorization = credential === undefined ? '' : `authorization: Bearer ${credential}\r\n`;
  return `GET /v1/users/${id} HTTP/1.1\r\nhost: localhost\r\n${authorization}\r\n`;
}

function createText(user: object): string {
  const body = JSON.stringify(user);
  return `POST /v1/users HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
