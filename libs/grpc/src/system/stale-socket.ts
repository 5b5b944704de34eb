import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/**
 * Removes the socket file that a killed server left behind, on which nobody could listen again. A socket that somebody
 * answers at stays, and so does a file that is no socket.
 *
 * @param listen where a server is to listen: only `unix:path` and `unix:///path` have a file
 */
export async function removeStaleSocket(listen: string): Promise<void> {
  const path = /^unix:(?:\/\/(?=\/))?(?<path>.+)$/.exec(listen)?.groups?.['path'];
  if (path === undefined) return;
  const file = await lstat(path).catch(() => undefined); // no file, nothing to remove
  if (file?.isSocket() === true && (await refuses(path))) await unlink(path);
}

function refuses(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
