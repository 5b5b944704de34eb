import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
// @ts-expect-error -- the tools are plain JavaScript
import { progress as progressOf } from '../../progress.mjs';
import { copyExample, install, type Manifest } from './example.ts';
import { libraries, pack } from './libraries.ts';
import { run, succeed } from './run.ts';

const progress = progressOf as (step: string) => () => void;

declare module 'vitest' {
  export interface ProvidedContext {
    /** The tarballs of the libraries, by their folders in libs/. */
    tarballs: Readonly<Record<string, string>>;
    /** Where examples/orders is installed from them, generated and compiled. */
    example: string;
    /** Where its service is installed with Nest 11. */
    nest11: string;
    /** The folder of the program of Node 22; empty where the registry has none for this machine. */
    node22: string;
    /** A folder for what a test makes. */
    scratch: string;
  }
}

/** Packs, and installs all that is installed, side by side: it is mostly the network that is waited for. */
export default async function setUp(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'packages-'));
  const at = (name: string): string => join(folder, name);
  const removed = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    for (const name of ['tarballs', 'scratch', 'node22']) mkdirSync(at(name));
    let end = progress('packing the libraries');
    const tarballs = await pack(at('tarballs'));
    end();
    end = progress('installing them with an empty cache: with Nest 12, with Nest 11, and Node 22');
    copyExample(at('example'), (manifest) => withTarballs(manifest, tarballs));
    copyExample(at('nest11'), (manifest) => withNest11(withTarballs(manifest, tarballs)), [
      'commonjs',
      'src/gateway',
      'test/rest.test.ts',
    ]);
    const [node22] = await Promise.all([
      installNode22(at('node22'), at('cache-node22')),
      install(at('example'), at('cache')),
      install(at('nest11'), at('cache-nest11')),
    ]);
    end();
    end = progress('generating and compiling examples/orders');
    const compile = async (name: string): Promise<void> => {
      await succeed('npm', ['run', 'generate'], at(name));
      await succeed('npm', ['run', 'build'], at(name));
    };
    await Promise.all([compile('example'), compile('nest11')]);
    end();
    project.provide('tarballs', tarballs);
    project.provide('example', at('example'));
    project.provide('nest11', at('nest11'));
    project.provide('scratch', at('scratch'));
    project.provide('node22', node22);
  } catch (error) {
    removed();
    throw error;
  }
  return removed;
}

function withTarballs(manifest: Manifest, tarballs: Readonly<Record<string, string>>): Manifest {
  const dependencies = { ...manifest.dependencies };
  for (const library of libraries) dependencies[`@rollcall/${library}`] = `file:${tarballs[library]}`;
  return { ...manifest, dependencies };
}

/** The service alone: libs/transcoder wants Nest 12. */
function withNest11(manifest: Manifest): Manifest {
  const dependencies = { ...manifest.dependencies };
  for (const name of ['common', 'core', 'microservices']) dependencies[`@nestjs/${name}`] = '^11.2.0';
  for (const name of ['@nestjs/platform-fastify', '@rollcall/transcoder', '@rollcall/openapi'])
    delete dependencies[name];
  return { ...manifest, dependencies };
}

/** @returns the folder of its program, or nothing where the registry has none */
async function installNode22(folder: string, cache: string): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const args = [
    'install',
    `${name}@22`,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--cache',
    cache,
    '--prefix',
    '.',
  ];
  const { code, output } = await run('npm', args, folder);
  if (code === 0) return join(folder, 'node_modules', name, 'bin');
  console.log(`Node 22 is not tried: the registry gives no ${name}@22 (${output.trim().split('\n')[0]})`);
  return '';
}
