// npm run audit:verify: checks that the audit log is what was written, while the service runs or over a copy.
import { parseArgs } from 'node:util';
import { type Database, readDatabase } from './config.ts';
import { headText, readHead } from './store/audit-chain.ts';
import { auditPages } from './store/audit-pages.ts';
import { openReadOnly } from './store/read-only.ts';
import { BrokenChain, verifyChain } from './verify-chain.ts';

const usage = `npm run -s audit:verify -- [--head SEQ:HASH]…

  Follows the audit log of DATABASE_URL or DATA_DIR from its first entry to its last.
  --head SEQ:HASH  an entry that has to be part of it, as the service has logged it
  It exits with 0 when the log is in order, with 1 when it is not, and with 2 when it cannot be read.`;

const progressMs = 1000;

async function verify(database: Database, heads: readonly string[]): Promise<string> {
  const noted = heads.map(readHead);
  const db = openReadOnly(database);
  try {
    let toldAt = performance.now();
    const head = await verifyChain(auditPages(db), noted, ({ seq }) => {
      if (performance.now() - toldAt < progressMs) return;
      toldAt = performance.now();
      console.error(`${seq} entries are in order so far`);
    });
    return `${head.seq} entries, the last is ${headText(head)}`;
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
