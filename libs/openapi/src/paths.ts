import type { JsonObject } from '@bufbuild/protobuf';
import { type Binding, jsonPath, type Segment, type Variable } from '@rollcall/contract';
import { compact, text } from './writing/json.ts';
import type { Examples } from './examples/examples.ts';
import type { Schemas } from './schemas/schemas.ts';

/** A path as OpenAPI writes it: a parameter for each segment that is not fixed. */
export interface DocumentPath {
  readonly path: string;
  /** The same for paths that differ in nothing but the names of their parameters, which OpenAPI takes for one. */
  readonly key: string;
  readonly names: readonly string[];
}

/** The path of a binding. A variable of several segments becomes a parameter for each of its wildcards. */
export function documentPath({ template, pathFields }: Binding): DocumentPath {
  const names = template.segments.flatMap((segment, index) => {
    if (typeof segment === 'object') return [];
    const owner = pathFields.find(({ variable }) => covers(variable, index));
    if (owner === undefined) return [`segment${index + 1}`];
    const { variable, path } = owner;
    const name = jsonPath(path);
    const wildcards = template.segments
      .slice(variable.start, variable.end === -1 ? undefined : variable.end)
      .filter((part) => typeof part === 'string');
    return [wildcards.length > 1 ? `${name}.${labelOf(template.segments, variable, index)}` : name];
  });
  const write = (nameOf: (index: number) => string): string => {
    let wildcard = 0;
    const segments = template.segments.map((segment) =>
      typeof segment === 'object' ? segment.literal : `{${nameOf(wildcard++)}}`,
    );
    return `/${segments.join('/')}${template.verb === '' ? '' : `:${template.verb}`}`;
  };
  return { path: write((index) => names[index] ?? ''), key: write(() => ''), names };
}

/**
 * The path parameters of a binding.
 *
 * @param names what the parameters are called, in the order of the path
 */
export function pathParameters(
  { template, pathFields }: Binding,
  names: readonly string[],
  schemas: Schemas,
  examples: Examples,
): JsonObject[] {
  const wildcards = template.segments.flatMap((segment, index) =>
    typeof segment === 'string' ? [[index, segment] as const] : [],
  );
  return wildcards.map(([index, segment], position) => {
    const owner = pathFields.find(({ variable }) => covers(variable, index));
    const field = owner?.path.at(-1);
    const slashes = segment === '**' ? 'It may be empty or hold several segments, with their slashes.' : '';
    const common = { name: names[position] ?? '', in: 'path', required: true };
    if (owner === undefined || field === undefined)
      return { ...common, description: text('Any segment.', slashes), schema: { type: 'string' } };
    const { schema, notes } = schemas.value(field);
    const description = schemas.describe(field, notes);
    const pattern = patternOf(template.segments, owner.variable);
    if (pattern === '*') return compact({ ...common, description, schema, example: examples.value(field, 'request') });
    return {
      ...common,
      description: text(
        `${segment === '**' ? 'The segments' : 'The segment'} of \`${jsonPath(owner.path)}\` for the \`${segment}\` in \`${pattern}\`.`,
        slashes,
        description,
      ),
      schema: { type: 'string' },
    };
  });
}

function covers({ start, end }: Variable, index: number): boolean {
  return index >= start && (end === -1 || index < end);
}

function patternOf(segments: readonly Segment[], { start, end }: Variable): string {
  return segments
    .slice(start, end === -1 ? undefined : end)
    .map((segment) => (typeof segment === 'object' ? segment.literal : segment))
    .join('/');
}

/** What tells one wildcard of a variable from the others: the word before it, else its place. */
function labelOf(segments: readonly Segment[], { start }: Variable, index: number): string {
  const before = segments[index - 1];
  return index > start && typeof before === 'object' ? before.literal : String(index - start + 1);
}
