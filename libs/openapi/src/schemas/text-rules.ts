import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { plain } from '../writing/json.ts';
import { type Keywords, unknownNote } from './keywords.ts';

/** Well-known kinds of text that JSON Schema has a format or a pattern for. */
const wellKnown: Readonly<Record<string, JsonObject>> = {
  email: { format: 'email' },
  hostname: { format: 'hostname' },
  ip: { anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] },
  ipv4: { format: 'ipv4' },
  ipv6: { format: 'ipv6' },
  uri: { format: 'uri' },
  uriRef: { format: 'uri-reference' },
  address: { anyOf: [{ format: 'hostname' }, { format: 'ipv4' }, { format: 'ipv6' }] },
  uuid: { format: 'uuid' },
  tuuid: { pattern: '^[0-9A-Fa-f]{32}$' },
  ulid: { pattern: '^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$' },
  protobufFqn: { pattern: '^[A-Za-z_][A-Za-z_0-9]*(\\.[A-Za-z_][A-Za-z_0-9]*)*$' },
  protobufDotFqn: { pattern: '^\\.[A-Za-z_][A-Za-z_0-9]*(\\.[A-Za-z_][A-Za-z_0-9]*)*$' },
};

/** Well-known kinds of text that JSON Schema has no word for. */
const wellKnownNotes: Readonly<Record<string, string>> = {
  ipWithPrefixlen: 'Must be an IP address with a prefix length, such as `192.0.2.1/24`.',
  ipv4WithPrefixlen: 'Must be an IPv4 address with a prefix length, such as `192.0.2.1/24`.',
  ipv6WithPrefixlen: 'Must be an IPv6 address with a prefix length, such as `2001:db8::1/64`.',
  ipPrefix: 'Must be an IP prefix, such as `192.0.2.0/24`.',
  ipv4Prefix: 'Must be an IPv4 prefix, such as `192.0.2.0/24`.',
  ipv6Prefix: 'Must be an IPv6 prefix, such as `2001:db8::/64`.',
  hostAndPort: 'Must be a host and a port, such as `example.com:443`.',
};

/** The keywords of buf.validate.StringRules. */
export function textKeywords(rules: JsonObject): Keywords {
  const notes: string[] = [];
  const note = (sentence: string): JsonObject => {
    notes.push(sentence);
    return {};
  };
  const all = Object.entries(rules).map(([rule, value]): JsonObject => {
    switch (rule) {
      case 'const':
        return { const: value };
      case 'in':
        return { enum: value };
      case 'notIn':
        return { not: { enum: value } };
      case 'len':
        return { minLength: Number(value), maxLength: Number(value) };
      case 'minLen':
        return { minLength: Number(value) };
      case 'maxLen':
        return { maxLength: Number(value) };
      case 'lenBytes':
        return note(`Must be ${plain(value)} bytes long in UTF-8.`);
      case 'minBytes':
        return note(`At least ${plain(value)} bytes in UTF-8.`);
      case 'maxBytes':
        return note(`At most ${plain(value)} bytes in UTF-8.`);
      case 'pattern': {
        const pattern = toEcmaScript(plain(value));
        return pattern === undefined ? note(`Must match the RE2 pattern \`${plain(value)}\`.`) : { pattern };
      }
      case 'prefix':
        return { pattern: `^${escapeRegExp(value)}` };
      case 'suffix':
        return { pattern: `${escapeRegExp(value)}$` };
      case 'contains':
        return { pattern: escapeRegExp(value) };
      case 'notContains':
        return { not: { pattern: escapeRegExp(value) } };
      case 'example':
        return { examples: value };
      default: {
        if (value === false && rule !== 'strict') return {}; // a well-known kind that is not asked for
        const sentence = wellKnownNotes[rule];
        return wellKnown[rule] ?? note(sentence ?? unknownNote(`string.${rule}`, value));
      }
    }
  });
  return { all, notes };
}

/** The keywords of buf.validate.BytesRules. Lengths are those of the base64 text, with or without padding. */
export function bytesKeywords(rules: JsonObject): Keywords {
  const notes: string[] = [];
  const shortest = (bytes: JsonValue): number => Math.ceil((Number(bytes) * 8) / 6);
  const longest = (bytes: JsonValue): number => Math.ceil(Number(bytes) / 3) * 4;
  const all = Object.entries(rules).map(([rule, value]): JsonObject => {
    switch (rule) {
      case 'len':
        notes.push(`Must be ${plain(value)} bytes long.`);
        return { minLength: shortest(value), maxLength: longest(value) };
      case 'minLen':
        notes.push(`At least ${plain(value)} bytes.`);
        return { minLength: shortest(value) };
      case 'maxLen':
        notes.push(`At most ${plain(value)} bytes.`);
        return { maxLength: longest(value) };
      case 'example':
        return { examples: value };
      default: // the same bytes have several base64 texts, so that no keyword can compare them
        if (value !== false) notes.push(unknownNote(`bytes.${rule}`, value));
        return {};
    }
  });
  return { all, notes };
}

/** An RE2 pattern in the syntax of JavaScript; undefined when it has none there. */
function toEcmaScript(pattern: string): string | undefined {
  const translated = pattern
    .replace(/\(\?P</g, '(?<')
    .replace(/^\\A/, '^')
    .replace(/\\z$/, '$')
    .replace(/\\([pP])([A-Z])/g, '\\$1{$2}');
  if (/\[\[:|\(\?[a-zA-Z-]+[:)]|\\[QEAzCaG]/.test(translated)) return undefined;
  try {
    new RegExp(translated, 'u').test(''); // throws where JavaScript has no such pattern
    return translated;
  } catch {
    return undefined; // it stands in the description instead
  }
}

function escapeRegExp(value: JsonValue): string {
  return plain(value).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
