import { type Contract, readContract } from '@rollcall/contract';
import { image } from '../gen/system.ts';

/** What a server serves of itself: grpc.health.v1, and grpc.reflection in both versions. */
export const systemContract: Contract = readContract(Buffer.from(image, 'base64'));
