import type { Attack } from './attack.ts';
import { httpAttacks } from './http-attacks.ts';
import { longErrorReports } from './long-error-reports.ts';

/** All attacks by people without a credential. */
export const attacks: readonly Attack[] = [longErrorReports, ...httpAttacks];
