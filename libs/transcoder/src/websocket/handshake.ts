/**
 * WebSockets at the paths of streams. A handshake is a request as any other until it is accepted: the same hooks, guards and
 * rights come first, and what refuses it answers by HTTP.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-4.2
 */
import { type IncomingMessage, type Server, ServerResponse, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** Accepts the handshake that a request is. @returns the WebSocket; undefined when the caller has gone away, or it is none */
export type Accept = (maxMessageBytes: number) => Promise<WebSocket | undefined>;

const handshakes = new WeakMap<IncomingMessage, Accept>();

/** What accepts the handshake that a request is; undefined when it is none. */
export function handshakeOf(request: IncomingMessage): Accept | undefined {
  return handshakes.get(request);
}

/** Whether a request asks for a WebSocket. */
export function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/**
 * Has a server take handshakes: as requests, by its event `request`.
 *
 * @param responseClass what answers are made with
 */
export function acceptWebSockets(server: Server, responseClass: ServerOptions['ServerResponse']): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const response = new (responseClass ?? ServerResponse)(request);
    response.assignSocket(socket);
    response.shouldKeepAlive = false;
    socket.on('error', () => socket.destroy());
    response.once('finish', () => socket.end());
    if (asksForWebSocket(request))
      handshakes.set(request, (maxMessageBytes) => accept(request, response, socket, head, maxMessageBytes));
    server.emit('request', request, response); // an upgrade to anything else is not made, as RFC 9110 leaves it
  });
}

function accept(
  request: IncomingMessage,
  response: ServerResponse,
  socket: Socket,
  head: Buffer,
  maxPayload: number,
): Promise<WebSocket | undefined> {
  response.detachSocket(socket);
  const options = { noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload };
  return new Promise((resolve) => {
    socket.once('close', () => resolve(undefined));
    new WebSocketServer(options).handleUpgrade(request, socket, head, resolve);
  });
}
