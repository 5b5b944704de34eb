import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into whatever JSON came
  readonly json: any;
}

/** Sends bytes as they are, and reads until the server closes the connection. */
export function sendRaw({ socketPath }: { socketPath: string }, text: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(socketPath, () => socket.write(text, 'latin1'));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const [line = '', ...lines] = head.split('\r\n');
      resolve({
        status: Number(line.split(' ')[1] ?? 0),
        headers: Object.fromEntries(
          lines.map((each) => [each.split(': ')[0]?.toLowerCase() ?? '', each.split(': ')[1] ?? '']),
        ),
        json: body.startsWith('{') ? JSON.parse(body) : undefined,
      });
    });
  });
}
