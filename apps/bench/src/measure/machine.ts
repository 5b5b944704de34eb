import { cpus, loadavg } from 'node:os';

/** The processor time that everything on the machine has taken so far, in microseconds. */
export function busyMicros(): number {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) * 1000, 0);
}

/** The machine in a line, with how busy it is just now. */
export function machineLine(): string {
  const load = loadavg().map((average) => average.toFixed(1));
  return `Node.js ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load average ${load.join(' ')}`;
}
