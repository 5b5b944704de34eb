// npm run test:conformance: has judges that nobody here wrote try the protocols. It needs Go, through whose module proxy it installs them.
// docs/conformance.md holds what they found, and is compared; UPDATE_GOLDEN=1 writes it anew.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build, ensureInstalled, environment, nodePath, root, run } from './toolchain.mjs';

const module = 'connectrpc.com/conformance';
const version = 'v1.0.7';
const folder = join(root, '.test', 'conformance');
const programs = join(root, 'libs/transcoder/test/conformance');
const runs = [
  {
    name: 'gateway',
    what: 'the gateway as a server: Connect, gRPC and gRPC-Web, over HTTP/1.1 and HTTP/2',
    args: ['--conf', join(programs, 'gateway.yaml'), '--mode', 'server'],
    program: ['server.ts'],
  },
  {
    name: 'grpc server',
    what: '`GrpcServer` of libs/grpc',
    args: ['--conf', join(programs, 'grpc.yaml'), '--mode', 'server'],
    program: ['server.ts', '--direct'],
  },
  {
    name: 'grpc client',
    what: '`GrpcChannel` of libs/grpc',
    args: ['--conf', join(programs, 'grpc.yaml'), '--mode', 'client'],
    program: ['client.ts'],
  },
];

if (spawnSync('go', ['version']).status !== 0) {
  console.error('npm run test:conformance needs Go: the judges are programs in Go. See https://go.dev/dl');
  process.exit(1);
}
await ensureInstalled();
await build();
mkdirSync(folder, { recursive: true });

console.log(`installing connectconformance ${version} …`);
const go = { ...environment, GOBIN: folder };
if ((await run('go', ['install', `${module}/cmd/connectconformance@${version}`], { env: go })) !== 0) process.exit(1);
const download = spawnSync('go', ['mod', 'download', '-json', `${module}@${version}`], { env: go, encoding: 'utf8' });
const { Dir: source } = JSON.parse(download.stdout);
const image = join(folder, 'suite.binpb');
if ((await run('buf', ['build', join(source, 'proto'), '-o', image])) !== 0) process.exit(1);

const results = [];
for (const { name, what, args, program } of runs) {
  console.log(`── ${name}`);
  const [file, ...flags] = program;
  const command = [nodePath(), join(programs, file), ...flags];
  results.push({ name, what, ...(await judge([...args, '-v', '--max-servers', '2', '--', ...command])) });
}

const page = pageOf(results);
const path = join(root, 'docs', 'conformance.md');
const failures = results.filter(({ passed, failed, code }) => passed === 0 || failed > 0 || code !== 0);
if (environment.UPDATE_GOLDEN === '1' && failures.length === 0) writeFileSync(path, page);
else if (failures.length === 0 && readFileSync(path, 'utf8') !== page) {
  console.error('docs/conformance.md is not what was seen: UPDATE_GOLDEN=1 npm run test:conformance writes it anew.');
  failures.push({ passed: 0, failed: 0, code: 1 });
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
const unseen = failures.filter(({ failed }) => failed === 0).length;
console.log('── summary');
for (const { name, passed, failed } of results) console.log(`${name}: ${passed} passed, ${failed} failed`);
console.log(`${sum('passed')} passed, ${sum('failed') + unseen} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;

/** Runs the judge, shows what it says, and counts. */
async function judge(args) {
  const child = spawn(join(folder, 'connectconformance'), args, {
    cwd: root,
    env: { ...environment, CONFORMANCE_IMAGE: image },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [passed, failed] = [0, 0];
  const read = (stream) =>
    createInterface({ input: stream }).on('line', (line) => {
      console.log(line);
      const counts = /^(\d+) passed, (\d+) failed/.exec(line);
      if (counts !== null) [passed, failed] = [Number(counts[1]), Number(counts[2])];
      const rest = /^Another (\d+) could not be run/.exec(line);
      if (rest !== null) failed += Number(rest[1]);
    });
  read(child.stdout);
  read(child.stderr);
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { passed, failed, code };
}

function pageOf(all) {
  const table = [
    ['judged', 'cases that pass', 'that fail'],
    ...all.map(({ what, passed }) => [what, String(passed), '0']),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return `# Conformance

What judges found that nobody here wrote. \`npm run test:conformance\` runs them, and compares this page with what it sees.

## connectconformance ${version.slice(1)}

The [suite of the Connect project](https://github.com/connectrpc/conformance), which judges all three protocols: every case for Protocol Buffers and JSON, gzip, all kinds of streams, TLS, client certificates, Connect by GET, trailers and limits of messages. There is no list of known failures.

${lines.join('\n')}
`;
}
