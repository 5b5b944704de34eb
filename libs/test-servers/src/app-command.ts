import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../', import.meta.url);

/** The arguments of Node that start an app of this repository as its image does. */
export function appCommand(app: 'user-service' | 'chat-service' | 'gateway'): string[] {
  const command = /^CMD (\[.*\])$/m.exec(readFileSync(new URL('Dockerfile', root), 'utf8'))?.[1] ?? '[]';
  const [, ...flags] = JSON.parse(command) as string[];
  const entry = flags.pop() ?? '';
  return [...flags, fileURLToPath(new URL(`apps/${app}/${entry}`, root))];
}
