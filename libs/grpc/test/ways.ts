import type { ShelfOptions } from './shelf-service.ts';

/** The ways in which unary calls travel. Plug-ins run these tests with ways of their own in place of this file. */
export const ways: readonly (readonly [string, ShelfOptions])[] = [['plain', {}]];
