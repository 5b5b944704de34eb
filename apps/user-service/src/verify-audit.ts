// npm run audit:verify: checks that the audit log is what was written, while the service runs or over a copy.
import { parseArgs } from 'node:util';
import { readDatabase } from './config.ts';
import type { Database } from './store/engine/database.ts';
import { headText, readHead } from './store/audit/chain.ts';
import { auditCuts, auditPages } from './store/audit/pages.ts';
import { openReadOnly } from './store/engine/read-only.ts';
import { BrokenChain, verifyChain } from './audit/verify-chain.ts';

const usage = `npm run -s audit:verify -- [--head SEQ:HASH]…

  Follows the audit log of DATABASE_URL or DATA_DIR from its first entry to its last.
  --head SEQ:HASH  an entry that has to be part of it, as the service has logged it; the hash in hexadecimal digits or,
                   as GET /v1/auditEntries gives it, in base64
  Without a head it does not see that the end was cut off with all that has changed since, as in a copy without its -wal
  file: note heads down elsewhere. It exits with 0 when the log is in order, with 1 when it is not, and with 2 when it cannot be read.`;

const progressMs = 1000;

async function verify(database: Database, heads: readonly string[]): Promise<string> {
  const noted = heads.map(readHead);
  const db = openReadOnly(database);
  try {
    let toldAt = performance.now();
    // What the log is held against comes first: it may grow meanwhile.
    const [change] = await db.selectFrom('changes').select('commit_time_ms').orderBy('seq', 'desc').limit(1).execute();
    const evidence = { noted, cuts: await auditCuts(db), lastChangeMs: change?.commit_time_ms };
    const { head, removed, unseen } = await verifyChain(auditPages(db), evidence, ({ seq }) => {
      if (performance.now() - toldAt < progressMs) return;
      toldAt = performance.now();
      console.error(`${seq} entries are in order so far`);
    });
    for (const { seq } of unseen) console.error(`entry ${seq} was noted, and cannot be compared: it has been removed`);
    if (unseen.length === noted.length)
      console.error('no head was compared: that the end of the log was cut off cannot be seen. See --head');
    const gone = removed === 0n ? '' : `, ${removed} of them kept for long enough and removed`;
    return `${head.seq} entries${gone}, the last is ${headText(head)}`;
  } finally {
    await db.destroy();
  }
}

try {
  const { values } = parseArgs({
    options: { head: { type: 'string', multiple: true, default: [] }, help: { type: 'boolean', short: 'h' } },
  });
  console.log(values.help === true ? usage : await verify(readDatabase(process.env), values.head));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof BrokenChain ? 1 : 2;
}
