import { Buffer } from 'node:buffer';
import { codecsOf } from '@rollcall/proto';
import { interopContract, testingContract } from '@rollcall/proto/testing';
import { expect, it } from 'vitest';
import { ServedMethod } from '../src/served-method.ts';

it('refuses a key of a map that is not UTF-8, also where no other field has text', () => {
  const path = '/testing.v1.ShelfService/ReadFile';
  const method = testingContract.methods.get(path);
  const codec = codecsOf(testingContract).get(path);
  // Of its fields, those with text are the keys of maps.
  const input = interopContract.registry.getMessage('grpc.testing.TestOrcaReport');
  if (method === undefined || codec === undefined || input === undefined) throw new Error('the contract has changed');
  const served = new ServedMethod({ ...method, input }, codec, () => ({}));
  const requestCost = (key: Buffer): Buffer => {
    const entry = Buffer.concat([Buffer.from([0x0a, key.length]), key]);
    return Buffer.concat([Buffer.from([0x1a, entry.length]), entry]);
  };
  expect(() => served.decodeRequest(requestCost(Buffer.from([0xc3, 0x28])))).toThrow(
    'is no grpc.testing.TestOrcaReport',
  );
});
