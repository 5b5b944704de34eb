import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { isJsonObject } from '@rollcall/contract';
import { plain } from '../writing/json.ts';

/** What rules come to: keywords of JSON Schema, and sentences where it has no keyword. */
export interface Keywords {
  /** Sets of keywords that all hold. */
  readonly all: readonly JsonObject[];
  readonly notes: readonly string[];
}

/** The sentences of rules in CEL. */
export function celNotes(cel: JsonValue | undefined): string[] {
  if (!Array.isArray(cel)) return [];
  return cel.map((rule) => {
    if (!isJsonObject(rule)) return `Must hold: \`${plain(rule)}\`.`;
    const { message, expression } = rule;
    return typeof message === 'string' && message !== ''
      ? `Rule: ${message.replace(/\.?$/, '.')}`
      : `Must hold: \`${plain(expression ?? '')}\`.`;
  });
}

/** The sentence for a rule that has neither a keyword nor a sentence of its own. */
export function unknownNote(rule: string, value: JsonValue): string {
  return `Rule \`${rule}\`: \`${JSON.stringify(value)}\`.`;
}
