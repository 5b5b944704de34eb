import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Binding, FieldPath } from '@rollcall/contract';
import { commentOf } from './writing/comments.ts';
import type { Examples } from './examples/examples.ts';
import { compact, plain, refTo } from './writing/json.ts';
import type { Schemas } from './schemas/schemas.ts';
import type { Conventions } from '@rollcall/transcoder';

const lineType = 'application/x-ndjson';
const eventType = 'text/event-stream';
const jsonType = 'application/json';
const patchType = 'application/merge-patch+json';

/** A body's schema, and an example of it. */
interface Shown {
  readonly schema: JsonObject;
  readonly example: JsonValue | undefined;
}

/** Headers that responses may have, by the name of their component. */
export const responseHeaders: Readonly<Record<string, JsonObject>> = {
  ETag: {
    description: 'The mark of this version of the resource, for If-Match and If-None-Match: its `etag` in quotes.',
    schema: { type: 'string' },
  },
  Location: { description: 'The path of what was created.', schema: { type: 'string', format: 'uri-reference' } },
  WwwAuthenticate: {
    description: 'How to sign in: `Bearer`, and `error="invalid_token"` when the credential is not valid.',
    schema: { type: 'string' },
  },
  RetryAfter: {
    description: 'How long to wait before another try, in seconds.',
    schema: { type: 'integer', minimum: 0 },
  },
  Link: { description: 'The next page, as `<…>; rel="next"`; not there on the last page.', schema: { type: 'string' } },
};

/** Makes request and response bodies. */
export class Bodies {
  readonly #schemas: Schemas;
  readonly #examples: Examples;

  constructor(schemas: Schemas, examples: Examples) {
    this.#schemas = schemas;
    this.#examples = examples;
  }

  /** The request body of a binding; undefined where it takes none. */
  request(binding: Binding, conventions: Conventions): JsonObject | undefined {
    const { body, method, pathFields } = binding;
    if (body === 'nothing') return undefined;
    const isPatch = conventions.updateMask !== undefined;
    const field = typeof body === 'object' ? body : undefined;
    const inPath = pathFields.map(({ path }) => path);
    const without =
      field === undefined ? inPath : inPath.filter((path) => path[0] === field).map((path) => path.slice(1));
    const shown =
      field === undefined ? this.#message(method.input, without, isPatch) : this.#field(field, without, isPatch);
    const required =
      method.requestStream ||
      this.#schemas
        .required(method.input)
        .some((each) =>
          field === undefined ? !without.some((path) => path.length === 1 && path[0] === each) : each === field,
        );
    if (method.requestStream) {
      const { shortBody } = binding;
      const each =
        shortBody === undefined
          ? shown
          : { ...shown, schema: { anyOf: [shown.schema, this.#field(shortBody, [], false).schema] } };
      return {
        description: [
          'The messages, one JSON document a line, or the elements of a JSON array. Each is taken as it arrives.',
          shortBody === undefined ? '' : `Each is a whole request, or its \`${shortBody.jsonName}\` alone.`,
        ]
          .join(' ')
          .trim(),
        required,
        content: { [jsonType]: media(listOf(each)), [lineType]: media(each) }, // the docs page sends the first form, with line breaks in it
      };
    }
    if (isPatch) {
      return {
        description:
          'A JSON Merge Patch after [RFC 7396](https://www.rfc-editor.org/rfc/rfc7396): a key that is present sets its field, null clears it, and a field without a key stays as it is. Lists and maps are replaced whole.',
        required,
        content: { [patchType]: media(shown), [jsonType]: media(shown) },
      };
    }
    return compact({ required: required || undefined, content: { [jsonType]: media(shown) } });
  }

  /** The success responses of a binding, by HTTP status. */
  responses(binding: Binding, conventions: Conventions): Record<string, JsonObject> {
    const { method, responseField } = binding;
    const shown = this.#answer(binding);
    const description = (responseField?.message ?? method.output).name;
    if (method.responseStream) return { '200': this.#stream(binding, shown) };
    const headers = compact({
      ETag: conventions.etag ? refTo('headers', 'ETag') : undefined,
      Location: conventions.location === undefined ? undefined : refTo('headers', 'Location'),
      Link: conventions.nextPage ? refTo('headers', 'Link') : undefined,
    });
    const success = compact({
      description: this.#describe(binding) || description,
      headers,
      content: { [jsonType]: media(shown) },
    });
    if (conventions.location !== undefined) return { '201': success };
    if (!conventions.etag || binding.verb !== 'GET') return { '200': success };
    return {
      '200': success,
      '304': {
        description: 'The resource still has the ETag of If-None-Match.',
        headers: { ETag: refTo('headers', 'ETag') },
      },
    };
  }

  #describe({ method, responseField }: Binding): string {
    return commentOf(method.output) || (responseField === undefined ? '' : commentOf(responseField));
  }

  #answer({ method, responseField, responseItems }: Binding): Shown {
    if (responseField === undefined)
      return {
        schema: this.#schemas.message(method.output),
        example: this.#examples.message(method.output, 'response'),
      };
    const example = this.#examples.value(responseField, 'response');
    if (!responseItems) return { schema: this.#schemas.value(responseField).schema, example };
    return { schema: this.#schemas.element(responseField), example: Array.isArray(example) ? example[0] : undefined };
  }

  #stream(binding: Binding, item: Shown): JsonObject {
    const { eventIdField } = binding;
    const idLine =
      eventIdField === undefined ||
      typeof item.example !== 'object' ||
      item.example === null ||
      Array.isArray(item.example)
        ? ''
        : `id: ${plain(item.example[eventIdField.jsonName] ?? '')}\n`;
    const events = `${idLine}data: ${JSON.stringify(item.example ?? {})}\n\nevent: end\ndata: {}\n\n`;
    return {
      description: [
        this.#describe(binding),
        forms(eventIdField?.jsonName),
        'A failure before the first item is answered with its HTTP status.',
      ]
        .join('\n\n')
        .trim(),
      content: {
        [lineType]: media(item),
        [eventType]: {
          schema: { type: 'string', description: 'Server-sent events.' },
          ...(item.example !== undefined && { example: events }),
        },
        [jsonType]: media(listOf(item)),
      },
    };
  }

  #message(desc: DescMessage, without: readonly FieldPath[], patch: boolean): Shown {
    return {
      schema: this.#schemas.message(desc, { without, patch }),
      example: this.#examples.message(desc, 'request', without),
    };
  }

  #field(field: DescField, without: readonly FieldPath[], patch: boolean): Shown {
    if (field.fieldKind === 'message') return this.#message(field.message, without, patch);
    return { schema: this.#schemas.value(field).schema, example: this.#examples.value(field, 'request') };
  }
}

/** How the items of a response stream look in each of its forms. */
function forms(eventId: string | undefined): string {
  const id = eventId === undefined ? '' : `\`id\`: the item's \`${eventId}\`; `;
  return `- \`${lineType}\`: an item a line. After a failure the last line is \`{"error": …}\` with a Problem, and the body breaks off unfinished.
- \`${eventType}\`: an event for each item (${id}\`data\`: the item as JSON), \`event: error\` with a Problem after a failure, \`event: end\` behind the last item, \`event: bye\` when the server shuts down: connect again. A comment every 15 seconds keeps the connection.
- \`${jsonType}\`: an array of the items. After a failure the body breaks off unfinished.`;
}

function listOf({ schema, example }: Shown): Shown {
  return { schema: { type: 'array', items: schema }, example: example === undefined ? undefined : [example] };
}

function media({ schema, example }: Shown): JsonObject {
  return { schema, ...(example !== undefined && { example }) };
}
