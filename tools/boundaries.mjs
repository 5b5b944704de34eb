// An oxlint plugin: who may import whom. Bare imports must be declared in the package.json next to them, imports between
// projects follow their Nx tags, and a relative import stays inside its project.
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

/** Which tags a project with a tag may import. An app is never imported. */
const allowed = {
  'lib:contract': [],
  'lib:proto': ['lib:contract'],
  'lib:grpc': ['lib:contract'],
  'lib:grpc-batching': ['lib:contract', 'lib:grpc'],
  'lib:environment': ['lib:grpc', 'lib:proto'],
  'lib:access': ['lib:contract', 'lib:environment', 'lib:grpc', 'lib:proto'],
  'lib:sqlite': ['lib:test-servers'],
  'lib:transcoder': ['lib:contract', 'lib:grpc'],
  'lib:openapi': ['lib:contract', 'lib:grpc', 'lib:transcoder'],
  'lib:test-servers': [],
  'app:bench': ['lib:contract', 'lib:grpc', 'lib:proto', 'lib:test-servers'],
  'app:chat-service': [
    'lib:access',
    'lib:contract',
    'lib:environment',
    'lib:grpc',
    'lib:grpc-batching',
    'lib:proto',
    'lib:sqlite',
    'lib:test-servers',
  ],
  'app:e2e': ['lib:contract', 'lib:grpc', 'lib:proto', 'lib:test-servers'],
  'app:gateway': [
    'lib:access',
    'lib:contract',
    'lib:environment',
    'lib:grpc',
    'lib:grpc-batching',
    'lib:openapi',
    'lib:proto',
    'lib:test-servers',
    'lib:transcoder',
  ],
  'app:user-service': [
    'lib:access',
    'lib:contract',
    'lib:environment',
    'lib:grpc',
    'lib:grpc-batching',
    'lib:proto',
    'lib:sqlite',
    'lib:test-servers',
  ],
  'app:web': ['lib:proto'],
  tools: [],
  // What a stranger installs.
  example: ['lib:contract', 'lib:grpc', 'lib:grpc-batching', 'lib:openapi', 'lib:transcoder'],
};

/** What the tests of the generic libraries import beside: their sources know nothing of Rollcall, nor of its protos. */
const allowedInTests = {
  'lib:grpc': ['lib:proto', 'lib:test-servers'],
  'lib:grpc-batching': ['lib:test-servers'],
  'lib:transcoder': ['lib:proto'],
  'lib:openapi': ['lib:access', 'lib:proto'],
};

const manifests = new Map();

function projectOf(file) {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (!manifests.has(folder)) {
      const path = join(folder, 'package.json');
      manifests.set(folder, existsSync(path) ? { folder, ...JSON.parse(readFileSync(path, 'utf8')) } : undefined);
    }
    if (manifests.get(folder) !== undefined) return manifests.get(folder);
  }
  return undefined;
}

/** Why an import is not allowed, or undefined. */
export function violation(file, specifier) {
  const project = projectOf(file);
  if (project === undefined || specifier.startsWith('node:') || builtinModules.includes(specifier)) return undefined;
  if (specifier.startsWith('.')) {
    const target = resolve(dirname(file), specifier);
    const shared = /\/vitest\.\w+\.ts$/.test(file) && specifier.endsWith('/vitest.project.ts');
    const ofHost = /\/libs\/grpc-batching\/test\//.test(file) && /\/libs\/grpc\/test\//.test(target);
    return relative(project.folder, target).startsWith('..') && !shared && !ofHost
      ? `"${specifier}" leaves ${project.name}`
      : undefined;
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const atRoot = project.workspaces !== undefined;
  const tests =
    /\/(test|clients|vite(st)?\.\w+\.ts)/.test(file.slice(project.folder.length)) && /^(vitest|vite)$/.test(name);
  const declared = {
    ...project.dependencies,
    ...project.peerDependencies, // what a library that others install is given by its app
    ...(atRoot || /\/(test|generate)/.test(file.slice(project.folder.length)) ? project.devDependencies : {}),
  };
  if (!(name in declared) && name !== project.name && !tests)
    return `"${name}" is not declared in the package.json of ${project.name}`;
  if (!name.startsWith('@rollcall/') || name === project.name) return undefined;
  const tags = /\/examples\/[^/]+$/.test(project.folder) ? ['example'] : (project.nx?.tags ?? []);
  const tag = tags.find((each) => each in allowed);
  const target = name.replace('@rollcall/', 'lib:');
  const inTests = file.slice(project.folder.length).startsWith('/test/') ? (allowedInTests[tag] ?? []) : [];
  return [...(allowed[tag] ?? []), ...inTests].includes(target) ? undefined : `${project.name} may not import ${name}`;
}

const imports = {
  create(context) {
    const check = (node) => {
      const why = node.source?.type === 'Literal' ? violation(context.filename, node.source.value) : undefined;
      if (why !== undefined) context.report({ node, message: why });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};

export default { meta: { name: 'boundaries' }, rules: { imports } };
