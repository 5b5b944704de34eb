// Which Node starts a command of the root package.json, and which one runs what it starts. The syntax here is that of Node 14:
// an old Node is to come as far as the sentence that it is too old.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The apps need it. */
const needed = 24;
/** It suffices to install and to start the Node that comes with the dependencies. */
const starting = 20;

/** A Node comes with the dependencies for these platforms, built against glibc; `platform` is such as `linux-x64`. */
export function comesWithNode(platform, glibc) {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return glibc && `node-${platform}` in optionalDependencies;
}

/** What is wrong with the Node that runs this; nothing when it will do. */
export function complaint(version, comesAlong) {
  const major = Number(version.split('.')[0]);
  if (major >= needed || (comesAlong && major >= starting)) return undefined;
  return comesAlong
    ? `Rollcall needs Node ${starting} or later to start with; this is ${version}.`
    : `Rollcall needs Node ${needed} or later on this platform; this is ${version}.`;
}

function hasGlibc() {
  process.report.excludeNetwork = true; // the network's part can take seconds
  return process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime !== undefined;
}

const platform = `${process.platform}-${process.arch}`;
const comesAlong = comesWithNode(platform, hasGlibc());

/**
 * The folder of the `node` that comes with the dependencies; undefined where none does. It is not looked for in
 * `node_modules/.bin`: npm 10 leaves none there, for the packages of two platforms own one name. The dot is for nx, which takes
 * folders that begin with those of our node_modules off the PATH of a target.
 */
export const lockedNodeFolder = comesAlong ? `${root}./node_modules/node-${platform}/bin` : undefined;

/** The Node that runs everything. */
export function nodePath() {
  if (lockedNodeFolder === undefined) return process.execPath;
  const path = join(lockedNodeFolder, 'node');
  if (existsSync(path)) return path;
  console.error(`${path} is missing: remove node_modules, and start again`);
  return process.exit(1);
}

const complains = complaint(process.versions.node, comesAlong);
if (complains !== undefined) {
  console.error(complains);
  process.exit(1);
}
