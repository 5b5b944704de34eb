import type { Field, NumberField, TextField } from '../fields.ts';

/** How two numbers, or the keys of two texts, are compared. */
export type Operator = '=' | '!=' | '<' | '>' | '<=' | '>=';

/** A filter that was read. Each comparison has a field and a value of the field's type. */
export type Filter =
  /** With no filters, `and` lets everyone through and `or` nobody. */
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  /** The value is known. */
  | { readonly kind: 'present'; readonly field: Field }
  /** The value is known and compares so. */
  | { readonly kind: 'number'; readonly field: NumberField; readonly operator: Operator; readonly value: bigint }
  /** The key of the text comes before or behind this key. */
  | { readonly kind: 'order'; readonly field: TextField; readonly operator: Operator; readonly key: string }
  | TextMatch;

/** The text is this one, or this one is part of it. The part is not empty. */
export interface TextMatch {
  readonly kind: 'text';
  readonly field: TextField;
  /** Which part. */
  readonly part: 'whole' | 'start' | 'end' | 'any';
  /** The key of the part. */
  readonly key: string;
  /** The part as it is written, when the case of letters counts. */
  readonly exact?: string;
}

export const everyone: Filter = { kind: 'and', filters: [] };
export const nobody: Filter = { kind: 'or', filters: [] };

/** Whether one value stands in this relation to another, given how they compare: below, at or above 0. */
export function holds(operator: Operator, compared: number): boolean {
  switch (operator) {
    case '=':
      return compared === 0;
    case '!=':
      return compared !== 0;
    case '<':
      return compared < 0;
    case '>':
      return compared > 0;
    case '<=':
      return compared <= 0;
    case '>=':
      return compared >= 0;
  }
}

/** How two numbers compare: below, at or above 0. */
export function compareNumbers(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}
