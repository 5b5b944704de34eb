import { expect, it } from 'vitest';
import { sendRaw } from '../raw-http.ts';
import { startRest } from '../shelf.ts';

it.each([
  ['says nothing of a body', ''],
  ['says that its body is empty', 'Content-Length: 0\r\n'],
])('answers a POST that %s', async (_, headers) => {
  await using rest = await startRest();
  const head = `POST /v1/books:echo HTTP/1.1\r\nHost: shelf\r\nConnection: close\r\n${headers}\r\n`;
  expect((await sendRaw(rest, head)).status).toBe(200);
});
