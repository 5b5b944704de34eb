/** A message that says when it was sent, by the clock that all threads share, in milliseconds. */
export function messageOfNow(): string {
  return `${(performance.timeOrigin + performance.now()).toFixed(3)} ${'x'.repeat(80)}`;
}

/** When a message was sent. */
export function sentAt(message: string): number {
  return Number(message.slice(0, message.indexOf(' ')));
}
