import { type DescMessage, fromBinary, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { rollcallContract } from '@rollcall/proto';
import { validate } from '@rollcall/contract';
import { Ajv } from 'ajv';
import { alternate, type Sample, type Variant } from '../measure/alternate.ts';
import type { Bench } from '../measure/bench.ts';
import { createUserRequestSchema } from '../gateway/user-schema.ts';

const path = '/rollcall.user.v1.UserService/CreateUser';

/** How many messages are checked between two looks at the clock. */
const batch = 100;

const valid: JsonObject = {
  user: { name: 'Ann Example', email: 'ann@example.com', age: 33, type: 'USER_TYPE_NORMAL' },
  requestId: '0f6f0f8e-6a8e-4f0c-9d3d-1f0d3f1b2a3c',
};
const invalid: JsonObject = { user: { name: 'Ann Example', email: 'ann at example.com', age: 151 } };

/** Checks a message, and says how many rules it breaks. */
type Check = () => number;

/** Validation of a CreateUserRequest in process. */
export const validateBench: Bench = {
  name: 'validate',
  summary: 'validation of a CreateUserRequest: the check of libs/proto, and a JSON schema compiled by ajv',
  async run(options) {
    const [passing, failing] = [checksOf(valid, 0), checksOf(invalid, 2)];
    const variants: Variant[] = Object.keys(passing).map((name) => ({
      name,
      slice: (durationMs) => Promise.resolve(slice(passing[name], failing[name], durationMs)),
    }));
    const samples = await alternate(variants, options, (round) =>
      options.progress(`round ${round} of ${options.rounds}`),
    );
    return {
      bench: 'validate',
      metrics: ['microsPerOp', 'microsPerInvalidOp'],
      baselines: ['ajv'],
      series: [{ inFlight: 1, samples }],
      notes: [
        'microsPerOp is of a valid CreateUserRequest, microsPerInvalidOp of one that breaks two rules; both look for all broken rules, and say which field breaks which. What is not certainly valid, protovalidate decides.',
        'rollcall checks a decoded message, rollcall-from-bytes decodes it too, ajv checks the parsed ProtoJSON.',
      ],
    };
  },
};

/** The checks of one message by each engine. @throws Error when one finds other than so many broken rules */
function checksOf(json: JsonObject, broken: number): Record<string, Check> {
  const desc = inputOf(path);
  const message = fromJson(desc, json);
  const bytes = toBinary(desc, message);
  const compiled = new Ajv({ allErrors: true }).compile(createUserRequestSchema);
  const checks: Record<string, Check> = {
    rollcall: () => validate(desc, message).length,
    'rollcall-from-bytes': () => validate(desc, fromBinary(desc, bytes)).length,
    ajv: () => {
      if (compiled(json)) return 0;
      const violations = (compiled.errors ?? []).map(({ instancePath, keyword, message: description = '' }) => {
        return { field: instancePath.slice(1).replaceAll('/', '.'), rule: keyword, description };
      });
      return violations.length;
    },
  };
  for (const [name, check] of Object.entries(checks)) {
    if (check() !== broken) throw new Error(`${name} finds ${check()} broken rules in ${JSON.stringify(json)}`);
  }
  return checks;
}

function inputOf(method: string): DescMessage {
  const found = rollcallContract.methods.get(method);
  if (found === undefined) throw new Error(`the contract has no ${method}`);
  return found.input;
}

function slice(passing: Check | undefined, failing: Check | undefined, durationMs: number): Sample {
  if (passing === undefined || failing === undefined) throw new Error('a variant lacks a check');
  return {
    microsPerOp: microsPer(passing, durationMs / 2),
    microsPerInvalidOp: microsPer(failing, durationMs / 2),
  };
}

function microsPer(check: Check, durationMs: number): number {
  const expected = check() * batch;
  const start = performance.now();
  for (let checked = 0; ;) {
    let found = 0;
    for (let index = 0; index < batch; index += 1) found += check();
    if (found !== expected) throw new Error('a check changed its mind');
    checked += batch;
    const elapsedMs = performance.now() - start;
    if (elapsedMs >= durationMs) return (elapsedMs * 1000) / checked;
  }
}
