import { encodePart } from './signed-tokens.ts';
import { padded, parts, type Make, type TokenMaterial, type Tokens } from './token-maker.ts';

/** What is no token in the compact form, in the one spelling that it has. */
export function wrongForms({ claims, rsa }: TokenMaterial, make: Make): Tokens {
  const good = make({});
  const [header, payload, end] = parts(good);
  const jwe = [{ alg: 'RSA-OAEP', enc: 'A256GCM', kid: rsa.kid }, 'key', 'vector', 'text', 'tag'].map(encodePart);
  // 256 bytes are 342 characters, of which the last has four bits that mean nothing: set one.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet[alphabet.indexOf(end.at(-1) ?? 'A') | 1] ?? '';
  return {
    nothing: '',
    'one dot': '.',
    'two dots': '..',
    'no dots': good.replaceAll('.', ''),
    'without header': `.${payload}.${end}`,
    'without payload': `${header}..${end}`,
    'without signature': `${header}.${payload}.`,
    'without signature and its dot': `${header}.${payload}`,
    'header alone': header,
    'header truncated': `${header.slice(0, -1)}.${payload}.${end}`,
    'payload truncated to whole bytes': `${header}.${payload.slice(0, payload.length - (payload.length % 4) - 4)}.${end}`,
    'signature truncated': good.slice(0, -1),
    'signature truncated to whole bytes': good.slice(0, -6),
    'cut within the payload': good.slice(0, header.length + payload.length / 2),
    'a fourth part': `${good}.${end}`,
    'a fourth part that is empty': `${good}.`,
    'a first part that is empty': `.${good}`,
    'many dots': '.'.repeat(4000),
    JWE: jwe.join('.'),
    'JWE with a header for a JWS': [header, ...jwe.slice(1)].join('.'),
    'JSON form': JSON.stringify({ protected: header, payload, signature: end }),
    'JSON general form': JSON.stringify({ payload, signatures: [{ protected: header, signature: end }] }),
    'padding behind the signature': `${good}==`,
    'padding behind the header': `${header}=.${payload}.${end}`,
    'base64 with + and /': plain(make),
    'bits that mean nothing': `${good.slice(0, -1)}${last}`,
    'space in front': ` ${good}`,
    'space behind': `${good} `,
    'line end behind': `${good}\n`,
    'line end within': `${header}.${payload}\r\n.${end}`,
    'tab within': `${header}\t.${payload}.${end}`,
    'NUL behind': `${good}\u0000`,
    'a letter beyond ASCII': `${good.slice(0, -2)}А${good.slice(-1)}`,
    'a dot beyond ASCII': good.replace('.', '．'),
    'percent encoding': good.replace('.', '%2E'),
    'quotes around it': `"${good}"`,
    'two tokens': `${good},${good}`,
    'a scheme in front': `Bearer ${good}`,
    'longer than 8192 characters': padded(make, 8193),
    'claims that are not encoded': `${header}.${JSON.stringify(claims)}.${end}`,
  };
}

/** A token whose payload has characters that base64 spells otherwise, in that spelling. */
function plain(make: Make): string {
  return make({ note: '>>>???~~~' }).replaceAll('-', '+').replaceAll('_', '/');
}
