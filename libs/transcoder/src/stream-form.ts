import type { JsonValue } from '@bufbuild/protobuf';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import type { Problem } from './problem.ts';

/** The id of an item by which a stream goes on behind it, if it has one. */
type EventIdOf = (item: JsonValue) => string | undefined;

/** How a response stream is written. */
export interface StreamForm {
  readonly contentType: string;
  /** Written before anything else. */
  open(): string;
  items(items: readonly JsonValue[], eventId: EventIdOf): string;
  end(): string;
  /** A failure after the stream was opened. Where the form has no word for it, the body breaks off without one. */
  fail(problem: Problem): string;
  /** Whether the body breaks off after a failure, so that a cut stream never looks whole. */
  readonly breaksOff: boolean;
  /** The last word of a server that ends; undefined where the form has none. */
  bye?(): string;
  /** Written when nothing else is, to keep the connection. */
  readonly heartbeat?: string;
}

/** The text of items that go to many readers, which is the same for all. */
function sharedText(write: (items: readonly JsonValue[], eventId: EventIdOf) => string): StreamForm['items'] {
  const texts = new WeakMap<readonly JsonValue[], string>();
  return (items, eventId) => {
    let text = texts.get(items);
    if (text === undefined) texts.set(items, (text = write(items, eventId)));
    return text;
  };
}

const linesOf = sharedText((items) => items.map((item) => `${JSON.stringify(item)}\n`).join(''));

const eventsOf = sharedText((items, eventId) =>
  items
    .map((item) => {
      const id = eventId(item);
      return `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(item)}\n\n`;
    })
    .join(''),
);

/** One message a line. @see https://github.com/ndjson/ndjson-spec */
function lines(): StreamForm {
  return {
    contentType: 'application/x-ndjson',
    open: () => '',
    items: linesOf,
    end: () => '',
    fail: (problem) => `${JSON.stringify({ error: problem })}\n`,
    breaksOff: true,
  };
}

/** A JSON array. */
function array(): StreamForm {
  let written = false;
  return {
    contentType: 'application/json',
    open: () => '[',
    items: (items) => {
      const text = items.map((item) => JSON.stringify(item)).join(',');
      const separator = written && text !== '' ? ',' : '';
      written ||= text !== '';
      return `${separator}${text}`;
    },
    end: () => ']',
    fail: () => '',
    breaksOff: true,
  };
}

/** Server-sent events. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
function events(): StreamForm {
  const retry = (): string => `retry: ${Math.round(1000 + Math.random() * 4000)}\n`; // spread, so that clients do not return all at once
  return {
    contentType: 'text/event-stream',
    open: () => `${retry()}\n`,
    items: eventsOf,
    end: () => 'event: end\ndata: {}\n\n',
    fail: (problem) => `event: error\ndata: ${JSON.stringify(problem)}\n\n`,
    breaksOff: false,
    bye: () => `event: bye\n${retry()}data: {}\n\n`,
    heartbeat: ':\n\n',
  };
}

const forms: readonly [types: readonly string[], form: () => StreamForm][] = [
  [['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/json-lines'], lines],
  [['text/event-stream'], events],
  [['application/json'], array],
];

/**
 * The form of a response stream that an Accept header asks for; lines when it does not care.
 *
 * @throws RpcError INVALID_ARGUMENT, answered with 406, when it asks for none of them
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
 */
export function streamForm(accept: string | undefined): StreamForm {
  const form = acceptedForm(accept ?? '*/*');
  if (form === undefined) {
    throw new RpcError(
      Status.INVALID_ARGUMENT,
      'NOT_ACCEPTABLE',
      'The answer comes as application/x-ndjson, text/event-stream or application/json.',
    );
  }
  return form();
}

function acceptedForm(accept: string): (() => StreamForm) | undefined {
  for (const range of rangesByQuality(accept)) {
    const found = forms.find(([types]) => types.some((type) => matches(range, type)));
    if (found !== undefined) return found[1];
  }
  return undefined;
}

function rangesByQuality(accept: string): string[] {
  return accept
    .split(',')
    .map((part) => {
      const [range = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
      const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
      return { range, quality: Number.isNaN(quality) ? 1 : quality };
    })
    .filter(({ range, quality }) => range !== '' && quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ range }) => range);
}

function matches(range: string, type: string): boolean {
  return range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));
}

/** Whether an Accept header lets an answer of this type through. */
export function accepts(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept === '*/*' || accept === type) return true; // as most say
  return rangesByQuality(accept).some((range) => matches(range, type));
}
