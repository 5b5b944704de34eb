import { type Attack, attackConnections } from './attack.ts';
import { beginCall, ended, head, onConnection } from './grpc-calls.ts';
import { untilAborted } from './until-aborted.ts';

const path = '/rollcall.transport.v1.BatchService/Batch';
const maxBytes = 1024 * 1024;

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** A message of 1 MiB, of as many calls as it holds. @param fields what each call has beside its id */
function frameOf(fields: readonly number[]): Buffer {
  const bytes: number[] = [];
  for (let id = 1; ; id++) {
    const call = [0x08, ...varint(id), ...fields];
    if (bytes.length + call.length + 2 > maxBytes) return Buffer.concat([head(bytes.length), Buffer.from(bytes)]);
    bytes.push(0x0a, call.length, ...call);
  }
}

const method = Buffer.from('/rollcall.user.v1.UserService/GetUser');
const frames = [
  frameOf([0x22, 0]), // metadata without a key
  frameOf([0x12, 1, 0x78, 0x18, 100]), // a method that there is none of
  frameOf([0x12, method.length, ...method, 0x18, 100]), // a method that needs a right
];

/** Messages of batched calls that cannot be read, or that nobody may make. */
export const batchedFrames: Attack = {
  name: 'messages full of batched calls',
  run: (target, signal) =>
    untilAborted(signal, attackConnections, (leave) =>
      onConnection(target, leave, async (session) => {
        const streams = frames.map((frame) => {
          const stream = beginCall(session, path);
          stream.write(frame);
          return stream;
        });
        await Promise.all(streams.map(ended));
      }),
    ),
};
