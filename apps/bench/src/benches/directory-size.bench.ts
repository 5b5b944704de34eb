import { join } from 'node:path';
import type { userService } from '@rollcall/proto';
import { alternate, type Sample, type Variant } from '../measure/alternate.ts';
import { engineBenches, type Ground } from '../directory/engine-bench.ts';
import { fill } from '../directory/fill.ts';
import { personOf } from '../directory/people.ts';
import { DirectoryService, migrate } from '../directory/service.ts';

const orders = ['id', 'name', 'email', 'age', 'type', 'create_time', 'update_time'];

/** How far into the directory the page lies that is asked for: behind half of the users, but no further than this. */
const furthest = 50_000;

/** Whether what one page shows takes longer in a large directory. */
export const directorySizeBenches = engineBenches(
  'directory-size',
  'GET, a page of the list in each order and with a filter: in a small directory and in a hundred times as large a one',
  async (ground) => {
    const { options } = ground;
    const sizes = options.quick ? [1000, 5000] : [10_000, 1_000_000];
    const variants: Variant[] = [];
    for (const size of sizes) variants.push(await startVariant(ground, size));
    options.progress('warming up');
    for (let round = 0; round < (options.quick ? 1 : 6); round += 1)
      for (const variant of variants) await variant.slice(options.sliceMs);
    const samples = await alternate(variants, options, (round) =>
      options.progress(`round ${round} of ${options.rounds}`),
    );
    const notes = [
      'Microseconds for one answer over gRPC, one call after the other. A page holds 50 users and is asked for by the token of the page before, in the middle of the directory. The goal is at most 1.3 times.',
    ];
    const metrics = Object.keys(samples.get(variants[0]?.name ?? '')?.[0] ?? {});
    return { metrics, baselines: [variants[0]?.name ?? ''], series: [{ inFlight: 1, samples }], notes };
  },
);

async function startVariant({ makePlace, folder, stack, options }: Ground, size: number): Promise<Variant> {
  const name = `${size.toLocaleString('en-US')} users`;
  options.progress(`filling a directory with ${name}`);
  const place = await makePlace(`size-${size}`);
  await migrate(place, join(folder, `migrate-${size}`), options.signal);
  await fill(place, size, options.signal);
  const service = stack.use(await DirectoryService.start(place, join(folder, `socket-${size}`), options.signal));
  const someone = (): ReturnType<typeof personOf> => personOf(1 + Math.floor(Math.random() * size));

  const works: Record<string, () => Promise<unknown>> = { get: () => service.get(someone().id) };
  for (const orderBy of orders) {
    const request = { orderBy, pageSize: 50, pageToken: await tokenInside(service, orderBy, size) };
    works[orderBy] = () => page(service, request, 50);
  }
  works['email ='] = () => page(service, { filter: `email = "${someone().email}"` }, 1);
  works['name ='] = () => page(service, { filter: `name = "${someone().name}"` }, 1);
  works['type ='] = () => page(service, { filter: 'type = ADMINISTRATOR', pageSize: 50 }, 50);
  return { name, slice: (durationMs) => slice(works, durationMs) };
}

async function page(
  service: DirectoryService,
  request: Partial<userService.ListUsersRequest>,
  expected: number,
): Promise<void> {
  const { users } = await service.list(request);
  if (users.length !== expected) throw new Error(`${JSON.stringify(request)} lists ${users.length} users`);
}

/** Walks into the list. @returns the token of the page there */
async function tokenInside(service: DirectoryService, orderBy: string, size: number): Promise<string> {
  let pageToken = '';
  for (let seen = 0; seen < Math.min(size / 2, furthest); seen += 1000 / 2)
    ({ nextPageToken: pageToken } = await service.list({ orderBy, pageSize: 500, pageToken }));
  return pageToken;
}

async function slice(works: Readonly<Record<string, () => Promise<unknown>>>, durationMs: number): Promise<Sample> {
  const sample: Record<string, number> = {};
  const share = durationMs / Object.keys(works).length;
  for (const [name, work] of Object.entries(works)) {
    const start = performance.now();
    let answers = 0;
    for (; performance.now() - start < share; answers += 1) await work();
    sample[name] = ((performance.now() - start) * 1000) / answers;
  }
  return sample;
}
