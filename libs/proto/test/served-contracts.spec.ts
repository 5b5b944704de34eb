import { describe, expect, it } from 'vitest';
import { rollcallContract, tutorialUserManagerContract, tutorialUserServiceContract } from '../src/contracts.ts';

describe('the contracts that are served', () => {
  it('use no message whose generated type differs from what is read: Struct, Value, ListValue, wrappers, Any', () => {
    const special = /^google\.protobuf\.(Struct|Value|ListValue|Any|\w+Value)$/;
    for (const { registry } of [rollcallContract, tutorialUserManagerContract, tutorialUserServiceContract]) {
      for (const desc of registry) {
        if (desc.kind !== 'message' || !/^(rollcall|[^.]+$)/.test(desc.typeName)) continue;
        expect(desc.fields.filter((field) => special.test(field.message?.typeName ?? '')).map(String)).toEqual([]);
      }
    }
  });
});
