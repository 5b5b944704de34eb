import type { Bench } from '../measure/bench.ts';
import { besideBenches } from './beside.bench.ts';
import { chatFanout } from './chat-fanout.bench.ts';
import { directorySizeBenches } from './directory-size.bench.ts';
import { doorsBench } from './doors.bench.ts';
import { exportBenches } from './export.bench.ts';
import { gatewayCreate } from './gateway-create.bench.ts';
import { gatewayGet } from './gateway-get.bench.ts';
import { importBenches } from './import.bench.ts';
import { signInBench } from './sign-in.bench.ts';
import { transportStream, transportUnary } from './transport.bench.ts';
import { validateBench } from './validate.bench.ts';

/** Every bench, in the order in which they run. A new one is a file of its own and a word here. */
export const benches: readonly Bench[] = [
  gatewayGet,
  gatewayCreate,
  doorsBench,
  signInBench,
  transportUnary,
  transportStream,
  chatFanout,
  validateBench,
  ...importBenches,
  ...exportBenches,
  ...directorySizeBenches,
  ...besideBenches,
];
