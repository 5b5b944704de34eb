// Adds to package-lock.json the optional dependencies for other platforms that a registry did not offer to this one,
// so that `npm ci` takes the same lockfile everywhere, and the hash of every package that has none: without it npm would
// install whatever a registry gives out under that name.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const platforms = new Set([
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]);
const cpus = new Set(['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32']);

const known = (path, name) => {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/node_modules/'))) {
    if (lock.packages[`${at}/node_modules/${name}`]) return true;
    if (!at.includes('/node_modules/')) break;
  }
  return lock.packages[`node_modules/${name}`] !== undefined;
};

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (known(path, name) || /[^0-9.a-z+-]/i.test(version)) continue;
    const parts = name.split(/[-/.]/);
    const os = parts.filter((part) => platforms.has(part));
    const cpu = parts.filter((part) => cpus.has(part));
    const libc = parts.includes('musl')
      ? ['musl']
      : parts.includes('gnu') || parts.includes('glibc')
        ? ['glibc']
        : undefined;
    lock.packages[`node_modules/${name}`] = {
      version,
      optional: true,
      ...(os.length ? { os } : {}),
      ...(cpu.length ? { cpu } : {}),
      ...(libc ? { libc } : {}),
    };
  }
}

/** Asks the registry for the hash of a package. */
function integrityOf(name, version) {
  return new Promise((resolve, reject) => {
    execFile('npm', ['view', `${name}@${version}`, 'dist.integrity'], (error, stdout) => {
      const integrity = stdout.trim();
      if (error === null && integrity.startsWith('sha512-')) resolve(integrity);
      else reject(new Error(`there is no sha512 hash of ${name}@${version}`, { cause: error }));
    });
  });
}

const unsealed = Object.entries(lock.packages).filter(
  ([path, entry]) => path.includes('node_modules/') && !entry.link && entry.integrity === undefined,
);
for (const [path, entry] of unsealed) {
  const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const { version, ...rest } = entry;
  lock.packages[path] = { version, integrity: await integrityOf(name, version), ...rest };
}

const sorted = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
