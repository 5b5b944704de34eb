import { batched } from './batched.ts';
import type { ShelfOptions } from '../../grpc/test/shelf-service.ts';

/** The ways in which unary calls travel: each with a stream of its own, and many on one. */
export const ways: readonly (readonly [string, ShelfOptions])[] = [
  ['plain', {}],
  ['batched', batched],
];
