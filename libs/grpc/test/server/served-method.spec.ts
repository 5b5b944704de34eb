import { Buffer } from 'node:buffer';
import { codecsOf, type Contract } from '@rollcall/contract';
import { rollcallContract } from '@rollcall/proto';
import { testingContract } from '@rollcall/contract/testing';
import { describe, expect, it } from 'vitest';
import { ServedMethod } from '../../src/server/served-method.ts';

function servedMethod(contract: Contract, path: string): ServedMethod {
  const method = contract.methods.get(path);
  const codec = codecsOf(contract).get(path);
  if (method === undefined || codec === undefined) throw new Error(`the contract has no ${path}`);
  return new ServedMethod(method, codec, () => ({}));
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const ascii = (text: string): string => Buffer.from(text).toString('hex');

describe('what the rules check is what the handler gets', () => {
  const echo = servedMethod(testingContract, '/testing.v1.ShelfService/EchoBook');
  const create = servedMethod(rollcallContract, '/rollcall.user.v1.UserService/CreateUser');
  const send = servedMethod(rollcallContract, '/rollcall.chat.v1.ChatService/SendNote');

  it('an embedded message that comes twice is merged, so that no rule is stepped over', () => {
    const name = `0a 05 12 03 ${ascii('Ada')}`;
    const age = '0a 02 20 05';
    expect(create.decodeRequest(hex(name + age))).toMatchObject({ user: { name: 'Ada', age: 5 } });
    expect(() => create.decodeRequest(hex(age + age))).toThrow('user.name');
  });

  it('a text whose length is a varint of six bytes hides no field from the rules', () => {
    // For a reader that jumps over ten bytes, the room begins four bytes further on.
    const room = '../UPPER *.>';
    const inner = `0a ${Buffer.of(room.length).toString('hex')} ${ascii(room)}`;
    const length = Buffer.of(room.length + 2 + 2).toString('hex');
    const bytes = hex(`22 80 80 80 80 80 00 72 ${length} 00 00 ${inner}`);
    expect(() => send.decodeRequest(bytes)).toThrow('room: ');
  });

  it.each([
    ['a group in place of a number', '0b 0b 0c'],
    ['a text in place of a number', '0a 01 31'],
    ['a number in place of a message', '08 01'],
    ['a varint of eleven bytes', '08 80 80 80 80 80 80 80 80 80 80 00'],
    ['a tag beyond 32 bits', '88 80 80 80 10 01'],
    ['the field number 0', '00 01'],
    ['a wire type that there is none of', '0e 01'],
    ['the end of a group that did not begin', 'a4 01 00'],
    ['a group that does not end', 'a3 01 08 01'],
    ['a field that reaches beyond its message', '0a 01 12 01 41'],
    ['a message that is cut off', '0a 05 12'],
  ])('%s is refused', (_, bytes) => {
    const get = servedMethod(rollcallContract, '/rollcall.user.v1.UserService/GetUser');
    const method = bytes.startsWith('0a 0') || bytes === '08 01' ? create : get;
    expect(() => method.decodeRequest(hex(bytes))).toThrow('The request is no rollcall.user.v1');
  });

  it.each(['c3 28', 'ed a0 80', 'f4 90 80 80', 'c0 80', 'e2 82'])('text of the bytes %s is refused', (bad) => {
    const text = hex(bad);
    const book = Buffer.concat([hex('72'), Buffer.of(text.length), text]);
    const bytes = Buffer.concat([hex('0a'), Buffer.of(book.length), book]);
    expect(() => echo.decodeRequest(bytes)).toThrow('is no testing.v1.EchoBookRequest');
  });

  it('a key of a map that is not UTF-8 is refused', () => {
    expect(() => echo.decodeRequest(hex('0a 07 a2 01 04 0a 02 c3 28'))).toThrow('is no testing.v1.EchoBookRequest');
  });

  it('unknown fields are skipped, groups too', () => {
    const bytes = hex('c2 3e 02 41 42 a3 01 08 01 ab 01 ac 01 a4 01 c8 3e 01 12 01 07');
    expect(echo.decodeRequest(bytes)).toEqual({ book: null, pageNumbers: ['7'] });
  });

  it.each<[what: string, book: string, expected: object]>([
    ['of a number that comes twice the last counts', '18 01 18 02', { aInt32: 2 }],
    ['a bool is true beyond 32 bits too', '68 80 80 80 80 10', { aBool: true }],
    ['a number of 32 bits in ten bytes is read', '18 ff ff ff ff ff ff ff ff ff 01', { aInt32: -1 }],
    ['of a oneof the last member counts', 'ba 01 02 10 01 b2 01 01 70', { paper: 'p' }],
    ['a member that is a message is merged', 'ba 01 02 10 01 ba 01 03 0a 01 6e', { digital: { name: 'n', born: '1' } }],
    ['a list of numbers may be packed, or not, or both', 'a0 02 01 a2 02 02 02 03', { numbers: ['1', '2', '3'] }],
    ['paths of a mask that comes twice are joined', 'e2 01 03 0a 01 61 e2 01 03 0a 01 62', { mask: ['a', 'b'] }],
    [
      'a negative key of a map is that key',
      'aa 01 0b 08 ff ff ff ff ff ff ff ff ff 01',
      { byNumber: { '-1': { name: '', born: '0' } } },
    ],
    [
      'a key __proto__ is a key like any other',
      `a2 01 0d 0a 09 ${ascii('__proto__')} 10 05`,
      { counts: Object.fromEntries([['__proto__', '5']]) },
    ],
    ['a map entry without a value has its default', 'a2 01 03 0a 01 61', { counts: { a: '0' } }],
    ['a text that has U+FFFD or a mark of byte order keeps it', '72 06 ef bf bd ef bb bf', { aString: '\ufffd\ufeff' }],
  ])('%s', (_, book, expected) => {
    const bytes = hex(book);
    const request = echo.decodeRequest(Buffer.concat([hex('0a'), Buffer.of(bytes.length), bytes])) as { book: object };
    for (const [name, value] of Object.entries(expected)) expect(Reflect.get(request.book, name)).toEqual(value);
    const members = ['paper', 'digital'];
    const isMember = (name: string): boolean => members.includes(name);
    expect(Object.keys(request.book).filter(isMember)).toEqual(Object.keys(expected).filter(isMember));
  });

  it('refuses messages that lie in more than a hundred others', () => {
    const nested = (depth: number): Buffer => {
      let value = Buffer.alloc(0);
      for (let level = 0; level < depth; level += 1) {
        const length =
          value.length < 128 ? [value.length] : [(value.length % 128) | 0x80, Math.floor(value.length / 128)];
        // A Value with a list, and the list's Value.
        value = Buffer.concat([Buffer.of(level % 2 === 0 ? 0x32 : 0x0a, ...length), value]);
      }
      const length = [(value.length % 128) | 0x80, Math.floor(value.length / 128)];
      const book = Buffer.concat([hex('fa 01'), Buffer.of(...length), value]);
      return Buffer.concat([hex('0a'), Buffer.of((book.length % 128) | 0x80, Math.floor(book.length / 128)), book]);
    };
    // The request, the book and the Value stand around it.
    expect(() => echo.decodeRequest(nested(97))).not.toThrow();
    expect(() => echo.decodeRequest(nested(98))).toThrow('is no testing.v1.EchoBookRequest');
  });
});
