import type { Readable, Writable } from 'node:stream';
import { type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';

/** Reads the messages that the suite's runner writes: each behind its length in four bytes. */
export async function* readMessages(input: Readable, desc: DescMessage): AsyncGenerator<Message> {
  let rest = Buffer.alloc(0);
  for await (const chunk of input as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const end = 4 + rest.readUInt32BE(0);
      yield fromBinary(desc, rest.subarray(4, end));
      rest = rest.subarray(end);
    }
  }
}

/** Writes a message for the suite's runner. */
export function writeMessage(output: Writable, desc: DescMessage, message: Message): void {
  const bytes = toBinary(desc, message);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  output.write(Buffer.concat([length, bytes]));
}
