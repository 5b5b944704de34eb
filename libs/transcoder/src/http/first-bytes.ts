import type { Socket } from 'node:net';

/**
 * Looks at the first bytes of a connection, which stay to be read.
 *
 * @param expected what they are compared with
 * @param waitMs how long they may take to come; then it is as if they were others
 * @param decide is told once whether they are the expected ones; not when the connection closes before
 */
export function firstBytes(
  socket: Socket,
  expected: Buffer,
  waitMs: number,
  decide: (areExpected: boolean) => void,
): void {
  let head: Buffer = Buffer.alloc(0);
  const settle = (areExpected: boolean | undefined): void => {
    clearTimeout(timer);
    socket.off('readable', look).off('close', leave).off('error', leave);
    if (areExpected === undefined) return;
    if (head.length > 0) socket.unshift(head);
    decide(areExpected);
  };
  const look = (): void => {
    const piece = socket.read() as Buffer | null;
    if (piece === null) {
      if (socket.readableEnded || head.length > 0) settle(false); // it has ended
      return;
    }
    head = head.length === 0 ? piece : Buffer.concat([head, piece]);
    const length = Math.min(head.length, expected.length);
    if (!head.subarray(0, length).equals(expected.subarray(0, length))) settle(false);
    else if (length === expected.length) settle(true);
  };
  const leave = (): void => settle(undefined);
  const timer = setTimeout(() => settle(false), waitMs);
  socket.on('readable', look).on('close', leave).on('error', leave);
}
