import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vitest/config';
import { project } from '../../vitest.project.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Its own tests, and those of libs/grpc whose calls can be batched, which then run both ways. */
export default mergeConfig(
  project(import.meta.url, {
    include: [
      'test/**/*.spec.ts',
      ...['authorization', 'cancellation', 'grpc-server', 'limits'].map((name) =>
        here(`../grpc/test/server/${name}.spec.ts`),
      ),
    ],
  }),
  { resolve: { alias: [{ find: /^.*\/ways\.ts$/, replacement: here('./test/ways.ts') }] } },
);
