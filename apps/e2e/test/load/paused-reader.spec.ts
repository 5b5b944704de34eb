import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { openRequest, startRollcall } from '../rollcall.ts';

const notes = 3000;
const text = 'x'.repeat(400);

interface Line {
  readonly seq?: string;
  readonly note?: object;
  readonly error?: { readonly reason: string; readonly metadata?: { readonly cursor?: string } };
}

/** The messages of a body. */
const readers: readonly [form: string, accept: string, read: (body: string) => Line[]][] = [
  [
    'lines',
    'application/x-ndjson',
    (body) =>
      body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line),
  ],
  [
    'events',
    'text/event-stream',
    (body) =>
      body.split('\n\n').flatMap((event): Line[] => {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data === undefined) return [];
        const message = JSON.parse(data) as Line;
        return [/^event: error$/m.test(event) ? { error: message as Line['error'] & object } : message];
      }),
  ],
];

it.each(readers)(
  'a reader of %s that pauses while chat-service ends is given all notes up to the cursor of the error',
  async (_, accept, read) => {
    await using rollcall = await startRollcall({ DRAIN_MS: '500' });
    const note = { room: 'hall', authorId: '0', authorName: 'Ada', message: text };
    for (let sent = 0; sent < notes; sent += 100)
      await Promise.all(
        Array.from({ length: 100 }, () => firstValueFrom(rollcall.chat.sendNote({ ...note, noteId: randomUUID() }))),
      );
    const request = openRequest(rollcall, '/v1/rooms/hall/notes:stream?afterSeq=0', { headers: { accept } });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'readable'); // and nothing is read before the service has ended
    expect(await rollcall.terminate('chat-service')).toBe(0);
    let body = '';
    response.on('error', () => undefined); // lines break off behind the error
    response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    await new Promise((resolve) => response.on('close', resolve));
    const lines = read(body);
    const seqs = lines.filter((line) => line.note != null).map(({ seq }) => Number(seq));
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (__, at) => at + 1));
    const { error } = lines.at(-1) ?? {};
    expect(error).toBeDefined();
    expect(Number(error?.metadata?.cursor ?? seqs.length)).toBe(seqs.length);
    expect(seqs.length).toBeLessThan(notes); // it was paused indeed
  },
);
