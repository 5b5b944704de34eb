import type { JsonValue } from '@bufbuild/protobuf';
import { status as Status } from '@grpc/grpc-js';
import { RpcError } from '@rollcall/grpc';
import { preferredType } from './negotiation.ts';
import type { Problem } from '../problem/problem.ts';

/** The id of an item by which a stream goes on behind it, if it has one. */
type EventIdOf = (item: JsonValue) => string | undefined;

/** How a response stream is written. */
export interface StreamForm {
  readonly contentType: string;
  /** Written before anything else. */
  open(): string;
  items(items: readonly JsonValue[], eventId: EventIdOf): Buffer;
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

/** The bytes of items that go to many readers, which are the same for all. */
function sharedBytes(write: (items: readonly JsonValue[], eventId: EventIdOf) => string): StreamForm['items'] {
  const known = new WeakMap<readonly JsonValue[], Buffer>();
  return (items, eventId) => {
    let bytes = known.get(items);
    if (bytes === undefined) known.set(items, (bytes = Buffer.from(write(items, eventId))));
    return bytes;
  };
}

const linesOf = sharedBytes((items) => items.map((item) => `${JSON.stringify(item)}\n`).join(''));

const eventsOf = sharedBytes((items, eventId) =>
  items
    .map((item) => {
      const id = eventId(item);
      return `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(item)}\n\n`;
    })
    .join(''),
);

/** One message a line. @see https://github.com/ndjson/ndjson-spec */
function lines(contentType: string): StreamForm {
  return {
    contentType,
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
      return Buffer.from(`${separator}${text}`);
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

/** By the media types that ask for them; the best first. */
const forms = {
  'application/x-ndjson': lines,
  'text/event-stream': events,
  'application/json': array,
  'application/ndjson': lines,
  'application/jsonl': lines,
  'application/json-lines': lines,
} as const satisfies Readonly<Record<string, (contentType: string) => StreamForm>>;

const types = Object.keys(forms) as (keyof typeof forms)[];
/** Whoever says by Last-Event-ID where it goes on reads events, whether it asks for them or not. */
const typesToResume = types.toSorted((a, b) => Number(forms[b] === events) - Number(forms[a] === events));

/**
 * The form of a response stream that an Accept header asks for; lines when it does not care.
 *
 * @param lastEventId the Last-Event-ID header, by which a reader of server-sent events goes on
 * @throws RpcError INVALID_ARGUMENT, answered with 406, when it asks for none of them
 */
export function streamForm(accept: string | undefined, lastEventId?: string | string[]): StreamForm {
  const type = preferredType(accept, lastEventId === undefined ? types : typesToResume);
  if (type === undefined) {
    throw new RpcError(
      Status.INVALID_ARGUMENT,
      'NOT_ACCEPTABLE',
      'The answer comes as application/x-ndjson, text/event-stream or application/json.',
    );
  }
  return forms[type](type);
}
