import type { DescEnum, JsonObject } from '@bufbuild/protobuf';
import { commentOf } from '../writing/comments.ts';
import { compact } from '../writing/json.ts';

/** The schema of an enum: its names, with what each means. Numbers, which requests may use too, are not shown. */
export function enumSchema(desc: DescEnum): JsonObject {
  if (desc.typeName === 'google.protobuf.NullValue') return { type: 'null' };
  const meanings = desc.values.map((value) => {
    const comment = commentOf(value).replaceAll('\n', ' ');
    const deprecated = value.deprecated ? ' Deprecated.' : '';
    return comment === '' && deprecated === '' ? '' : `- \`${value.name}\`: ${comment}${deprecated}`;
  });
  return compact({
    type: 'string',
    enum: desc.values.map(({ name }) => name),
    description: [commentOf(desc), meanings.filter((meaning) => meaning !== '').join('\n')]
      .filter((part) => part !== '')
      .join('\n\n'),
    deprecated: desc.deprecated || undefined,
  });
}
