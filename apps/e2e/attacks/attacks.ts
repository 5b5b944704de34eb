import type { Attack } from './attack.ts';
import { httpAttacks } from './http-attacks.ts';
import { longErrorReports } from './long-error-reports.ts';
import { endlessMessages } from './endless-messages.ts';
import { healthWatches } from './health-watches.ts';
import { http2Floods } from './http2-floods.ts';
import { batchedFrames } from './batched-frames.ts';
import { silentConnections } from './silent-connections.ts';

/** All attacks by people without a credential. */
export const attacks: readonly Attack[] = [
  longErrorReports,
  ...httpAttacks,
  endlessMessages,
  healthWatches,
  ...http2Floods,
  batchedFrames,
  silentConnections,
];
