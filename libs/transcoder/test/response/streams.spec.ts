import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, openRequest, type Rest, seen, startRest, until } from '../shelf.ts';

let rest: Rest;
beforeEach(async () => {
  seen.cancelled.length = 0;
  rest = await startRest({ maxBodyBytes: 1000 });
});
afterEach(() => rest[Symbol.asyncDispose]());

const numbers = (text: string): number[] => [...text.matchAll(/"number":"(\d+)"/g)].map(([, number]) => Number(number));

describe('a response stream', () => {
  it('comes as one item a line unless asked otherwise, also when messages hold several', async () => {
    const { headers, text, complete } = await ask(rest, '/v1/books:stream?count=5&perMessage=2');
    expect([headers['content-type'], text, complete]).toEqual([
      'application/x-ndjson',
      [1, 2, 3, 4, 5].map((n) => `{"number":"${n}"}\n`).join(''),
      true,
    ]);
  });

  it('comes as whole messages without a response_body', async () => {
    const { text } = await ask(rest, '/v1/books:streamMessages?count=3&perMessage=2');
    expect(text).toBe('{"books":[{"number":"1"},{"number":"2"}]}\n{"books":[{"number":"3"}]}\n');
  });

  it('comes as a JSON array, also an empty one', async () => {
    const headers = { accept: 'application/json' };
    expect((await ask(rest, '/v1/books:stream?count=3&perMessage=2', { headers })).json).toEqual([
      { number: '1' },
      { number: '2' },
      { number: '3' },
    ]);
    expect((await ask(rest, '/v1/books:stream', { headers })).json).toEqual([]);
  });

  it('comes as server-sent events with ids, retry and an end', async () => {
    const { headers, text } = await ask(rest, '/v1/books:stream?count=2', { headers: { accept: 'text/event-stream' } });
    expect([headers['content-type'], headers['x-accel-buffering'], headers['cache-control']]).toEqual([
      'text/event-stream',
      'no',
      'no-store',
    ]);
    expect(text).toMatch(
      /^retry: \d{4}\n\nid: 1\ndata: \{"number":"1"\}\n\nid: 2\ndata: \{"number":"2"\}\n\nevent: end\ndata: \{\}\n\n$/,
    );
  });

  it('goes on behind Last-Event-ID', async () => {
    const { text } = await ask(rest, '/v1/books:stream?count=5', {
      headers: { accept: 'text/event-stream', 'last-event-id': '3' },
    });
    expect(numbers(text)).toEqual([4, 5]);
  });

  it.each([
    ['application/jsonl', 'application/jsonl'],
    ['application/ndjson', 'application/ndjson'],
    ['application/json-lines', 'application/json-lines'],
    ['application/x-ndjson;q=0, */*', 'text/event-stream'],
    ['', 'application/x-ndjson'],
  ])('is of the type that Accept: %s asks for', async (accept, type) => {
    const { status, headers, text } = await ask(rest, '/v1/books:stream?count=1', { headers: { accept } });
    expect([status, headers['content-type'], numbers(text)]).toEqual([200, type, [1]]);
  });

  it.each([[{}], [{ accept: '*/*' }]])('comes as events to whoever goes on, and says %j', async (accept) => {
    const headers = { ...accept, 'last-event-id': '1' };
    const answer = await ask(rest, '/v1/books:stream?count=2', { headers });
    expect([answer.headers['content-type'], numbers(answer.text)]).toEqual(['text/event-stream', [2]]);
  });

  it('is over for a reader of events that has them all, who would come back for ever', async () => {
    const headers = { accept: 'text/event-stream', 'last-event-id': '2' };
    const { status, text } = await ask(rest, '/v1/books:stream?count=2', { headers });
    expect([status, text]).toEqual([204, '']);
    const first = await ask(rest, '/v1/books:stream?count=0', { headers: { accept: 'text/event-stream' } });
    expect([first.status, first.text.endsWith('event: end\ndata: {}\n\n')]).toEqual([200, true]);
  });

  it.each([
    ['application/x-ndjson', 200],
    ['text/event-stream', 200],
    ['application/json', 200],
    ['text/html', 406],
  ])('has the headers of HEAD, as %s, and its source is let go', async (accept, status) => {
    const { headers, text, ...answer } = await ask(rest, '/v1/books:stream?count=100000', {
      verb: 'HEAD',
      headers: { accept },
    });
    expect([answer.status, headers['content-type'], text]).toEqual([
      status,
      status === 200 ? accept : 'application/problem+json',
      '',
    ]);
    if (status === 200) await until(() => seen.closed === 1);
  });

  it('that fails before its first item fails HEAD as it fails GET', async () => {
    expect((await ask(rest, '/v1/books:stream?failAfter=-1', { verb: 'HEAD' })).status).toBe(404);
  });

  it('takes the form with the highest quality', async () => {
    const { headers } = await ask(rest, '/v1/books:stream', {
      headers: { accept: 'text/event-stream;q=0.5, application/json;q=0.9, text/html' },
    });
    expect(headers['content-type']).toBe('application/json');
  });

  it('that fails before its first message is a plain status', async () => {
    const { status, json } = await ask(rest, '/v1/books:stream?failAfter=-1');
    expect([status, json.code]).toEqual([404, 'NOT_FOUND']);
  });

  it.each([
    ['application/x-ndjson', /\n\{"error":\{.*"code":"UNAVAILABLE".*\}\}\n$/, false],
    ['application/json', /^\[\{"number":"1"\},\{"number":"2"\} $/, false],
    ['text/event-stream', /event: error\ndata: \{.*"code":"UNAVAILABLE".*\}\n\n$/, true],
  ])('as %s that fails later says so and never looks whole', async (accept, end, complete) => {
    const answer = await ask(rest, '/v1/books:stream?count=9&failAfter=2', { headers: { accept } });
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(end);
    expect(answer.complete).toBe(complete);
    expect(numbers(answer.text)).toEqual([1, 2]);
  });

  it('waits for a reader that stops, goes on when it reads, and ends with the reader', async () => {
    const request = openRequest(rest, '/v1/books:stream?count=2000000&perMessage=20');
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'readable');
    let before = -1;
    // Two looks apart see the same count once all buffers on the way are full.
    await until(() => {
      const still = seen.emitted === before && seen.emitted > 0;
      before = seen.emitted;
      return still;
    });
    const stopped = seen.emitted;
    expect(stopped).toBeLessThan(200_000);
    response.resume();
    await until(() => seen.emitted > stopped * 2);
    response.destroy();
    await until(() => seen.closed === 1);
    expect(seen.emitted).toBeLessThan(2_000_000);
  });

  it('says goodbye on drain, and breaks off the forms that have no word for it', async () => {
    const open = async (accept: string): Promise<{ text: string; complete: Promise<boolean> }> => {
      const request = openRequest(rest, '/v1/books:talk', {
        verb: 'POST',
        headers: { accept, 'transfer-encoding': 'chunked' },
      });
      request.on('error', () => undefined);
      request.write('{"name":"x"}\n');
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const read = {
        text: '',
        complete: new Promise<boolean>((resolve) => response.on('close', () => resolve(response.complete))),
      };
      response.on('error', () => undefined);
      response.on('data', (chunk) => (read.text += String(chunk)));
      await until(() => read.text.includes('x'));
      return read;
    };
    const events = await open('text/event-stream');
    const lines = await open('application/x-ndjson');
    await rest.app.close();
    expect(await events.complete).toBe(true);
    expect(events.text).toMatch(/event: bye\nretry: \d+\ndata: \{\}\n\n$/);
    expect(await lines.complete).toBe(false);
    expect(lines.text).toMatch(/"error":\{.*"code":"UNAVAILABLE"/);
  });
});

describe('a request stream', () => {
  const count = (body: string, contentType?: string) =>
    ask(rest, '/v1/shelves/7/books:count', {
      verb: 'POST',
      body,
      headers: contentType === undefined ? {} : { 'content-type': contentType },
    });

  it.each([
    ['lines', '{"name":"a"}\n\n{"name":"b"}', 'application/x-ndjson'],
    ['lines without a type', '{"name":"a"}\r\n{"name":"b"}\r\n', undefined],
    ['an array', ' [ {"name":"a"} , {"name":"b]\\"}"} ] ', 'application/json'],
    ['an array without a type', '[{"name":"a"},{"name":"b"}]', undefined],
  ])('is read from %s, and the path binds into its first message', async (_, body, type) => {
    const { status, json } = await count(body, type);
    expect([status, json]).toEqual([200, { count: '2', shelves: ['shelves/7', ''] }]);
  });

  it('may be empty', async () => {
    expect((await count('')).json.count).toBe('0');
    expect((await count('[]')).json.count).toBe('0');
  });

  it.each([
    ['a line that is no JSON', '{"name":"a"}\nname=b\n', 'Line 2', 400],
    ['a line with an unknown field', '{"name":"a"}\n{"nom":"b"}\n', 'Line 2: nom', 400],
    ['a line that breaks a rule', '{"name":"a"}\n\n{"name":"bbbbbbbbbbb"}\n', 'Line 3: name', 400],
    ['a line that is too long', `{"name":"${'x'.repeat(2000)}"}\n`, 'Line 1', 413],
    ['an element that is no message', '[{"name":"a"}, 7]', 'Element 2', 400],
    ['an array that does not end', '[{"name":"a"}', 'The array', 400],
    ['something behind the array', '[] []', 'The body goes on', 400],
  ])('with %s is refused, and the place is named', async (_, body, place, expected) => {
    const { status, json } = await count(body);
    expect(status).toBe(expected);
    expect(json.detail).toContain(place);
  });

  it('that breaks off errors in the handler, and never completes', async () => {
    const request = openRequest(rest, '/v1/shelves/7/books:count', { verb: 'POST' });
    request.on('error', () => undefined);
    request.write('{"name":"first"}\n');
    await until(() => seen.counted.includes('first'));
    request.destroy();
    await until(() => seen.cancelled.length > 0);
    expect(seen.cancelled[0]).toMatchObject({ code: 1, reason: 'CANCELLED' });
  });
});

describe('a bidi call', () => {
  it('answers each line before the next is sent', async () => {
    const request = openRequest(rest, '/v1/books:talk', {
      verb: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    let text = '';
    request.on('response', (response) => response.on('data', (chunk) => (text += String(chunk))));
    for (const name of ['a', 'b', 'c']) {
      request.write(`{"name":"${name}"}\n`);
      await until(() => text.includes(`{"name":"${name}"}\n`));
    }
    request.end();
    await once(request, 'close');
    expect(text).toBe('{"name":"a"}\n{"name":"b"}\n{"name":"c"}\n');
  });

  it('ends with its caller', async () => {
    seen.cancelled.length = 0;
    const request = openRequest(rest, '/v1/books:talk', {
      verb: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    request.on('error', () => undefined);
    let answered = false;
    request.on('response', (response) => response.on('error', () => undefined).on('data', () => (answered = true)));
    request.write('{"name":"a"}\n');
    await until(() => answered);
    request.destroy();
    await until(() => seen.cancelled.length > 0);
    expect(seen.cancelled[0]).toMatchObject({ code: 1, reason: 'CANCELLED' });
  });

  it('that is refused midway names the line and does not look whole', async () => {
    const { text, complete } = await ask(rest, '/v1/books:talk', {
      verb: 'POST',
      body: `{"name":"a"}\n${' '.repeat(100)}\noops\n`,
    });
    expect(complete || text.startsWith('{"type"')).toBe(text.startsWith('{"type"'));
    expect(text).toContain('Line 3');
  });
});
