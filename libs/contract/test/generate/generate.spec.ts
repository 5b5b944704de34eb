import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Contract, codecsOf } from '../../src/contract.ts';
import { generateContract } from '../../src/generate/generate.ts';

const project = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;
let out: string;

beforeEach(() => {
  // In the project, so that what is generated finds its imports.
  mkdirSync(join(project, '.test'), { recursive: true });
  folder = mkdtempSync(join(project, '.test/generate-'));
  out = join(folder, 'gen');
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const shop = `syntax = "proto3";
package shop.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
import "rollcall/type/v1/cursor.proto";
import "shop/v1/item.proto";

service ShopService {
  // Buys it.
  rpc Buy(Item) returns (google.protobuf.Empty) { option (google.api.http) = {post: "/v1/items:buy", body: "*"}; }
  rpc Watch(WatchRequest) returns (stream Item);
}
message WatchRequest {
  string after = 1 [(rollcall.type.v1.cursor) = CURSOR_RESUME_AFTER, (buf.validate.field).string.max_len = 9];
  google.protobuf.Struct facts = 2;
  map<string, google.protobuf.Value> more = 3;
  google.protobuf.StringValue nickname = 4;
}
`;
const item = 'syntax = "proto3";\npackage shop.v1;\nmessage Item { string sku = 1; }\n';

function generate(options: Partial<Parameters<typeof generateContract>[0]> = {}) {
  return generateContract({ folder: join(folder, 'proto'), out, imports: [], importSuffix: '.ts', ...options });
}

function read(name: string): string {
  return readFileSync(join(out, name), 'utf8');
}

it('writes the descriptors and the types of a folder, without any configuration', async () => {
  write('proto/shop/v1/shop.proto', shop);
  write('proto/shop/v1/item.proto', item);
  expect(generate()).toEqual({ services: ['shop.v1.ShopService'], files: 6 });
  const { contract, services } = (await import(join(out, 'contract.ts'))) as { contract: Contract; services: string[] };
  expect(services).toEqual(['shop.v1.ShopService']);
  expect([...contract.methods.keys()]).toEqual(['/shop.v1.ShopService/Buy', '/shop.v1.ShopService/Watch']);
  expect(read('shop/v1/shop.ts')).toContain('/** Buys it. */');
});

it('writes the types of Struct, wrappers and Empty as the codecs give and take them', async () => {
  write('proto/shop/v1/shop.proto', shop);
  write('proto/shop/v1/item.proto', item);
  generate();
  const types = read('shop/v1/shop.ts');
  for (const field of ['facts: Struct | null', 'more: { [key: string]: Value }', 'nickname: StringValue | null'])
    expect(types.replaceAll(/\s+\|/g, ' |')).toContain(field);
  expect(types).toContain('buy(request: Item, ...rest: any): Promise<Empty> | Observable<Empty> | Empty;');
  // It is CommonJS, and Node finds no such name in it.
  const modules = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(modules.filter((name) => read(name).includes('protobufjs'))).toEqual([]);
  const { contract } = (await import(join(out, 'contract.ts'))) as { contract: Contract };
  const codec = codecsOf(contract).get('/shop.v1.ShopService/Watch')!;
  const request = {
    after: '',
    facts: { fields: { tall: { boolValue: true } } },
    more: { x: { listValue: { values: [{ numberValue: 1 }, { stringValue: 'y' }] } } },
    nickname: { value: 'Ada' },
  };
  expect(codec.decodeRequest(codec.encodeRequest(request))).toEqual(request);
});

it.each(['.js', '.ts', ''])('lets the files import each other by the suffix %j', (importSuffix) => {
  write('proto/shop/v1/shop.proto', shop);
  write('proto/shop/v1/item.proto', item);
  generate({ importSuffix });
  expect(read('shop/v1/shop.ts')).toContain(`import { Item } from "./item${importSuffix}";`);
});

it('finds imported protos in other folders, and serves no service of those', () => {
  write('proto/shop/v1/shop.proto', shop);
  write('common/shop/v1/item.proto', `${item}service Other { rpc Get(Item) returns (Item); }\n`);
  expect(() => generate()).toThrow(/shop\/v1\/shop\.proto.*imported file does not exist/);
  expect(generate({ imports: [join(folder, 'common')] }).services).toEqual(['shop.v1.ShopService']);
});

it('names the file and the line of what cannot be compiled', () => {
  write('proto/a.proto', 'syntax = "proto3";\nmessage A { B b = 1; }\n');
  expect(() => generate()).toThrow(/^buf ended with 100:\na\.proto:2:13:.*`B`/);
  expect(existsSync(out)).toBe(false);
});

it('replaces what it has written, and nothing else', () => {
  write('proto/shop/v1/item.proto', item);
  generate();
  write('proto/shop/v1/item.proto', item.replace('sku', 'name'));
  write('gen/old.ts', '');
  generate();
  expect(read('shop/v1/item.ts')).toContain('name: string');
  expect(existsSync(join(out, 'old.ts'))).toBe(false);
  write('mine/notes.txt', 'mine');
  expect(() => generate({ out: join(folder, 'mine') })).toThrow('has files that contract-generate has not written');
  expect(readFileSync(join(folder, 'mine/notes.txt'), 'utf8')).toBe('mine');
});

it('refuses a folder without protos, and a suffix that no file has', () => {
  mkdirSync(join(folder, 'proto'));
  expect(() => generate()).toThrow('there is no .proto file in');
  expect(() => generate({ folder: join(folder, 'nowhere') })).toThrow('is no folder');
  write('proto/shop/v1/item.proto', item);
  expect(() => generate({ importSuffix: '.mjs' })).toThrow('--import-suffix is .mjs');
});

it('says how to install what it runs', () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'generate-'));
  mkdirSync(join(elsewhere, 'proto'));
  writeFileSync(join(elsewhere, 'proto/item.proto'), item);
  const main = JSON.stringify(join(project, 'src/generate/main.ts'));
  const run = `import(${main}).then(({ main }) => (process.exitCode = main([])))`;
  const { status, stderr } = spawnSync(process.execPath, ['--conditions=@rollcall/source', '-e', run], {
    cwd: elsewhere,
    env: { PATH: '' },
    encoding: 'utf8',
  });
  rmSync(elsewhere, { recursive: true });
  expect(stderr).toBe('contract-generate: there is no buf: npm install --save-dev @bufbuild/buf ts-proto\n');
  expect(status).toBe(1);
});
