// The socket port on the `ws` package, for Node.
import { WebSocket } from 'ws';
import type { OpenSocket } from './socket.ts';

/** How long the upgrade may take. Beyond it the socket closes and the client tries again. */
const handshakeTimeoutMs = 10_000;
/** Largest message taken from the server: pages are larger than what clients may send. */
const receivedBytesMax = 16 * 1024 * 1024;

export const openWsSocket: OpenSocket = (target, handlers) => {
  const socket = new WebSocket(target.url, [target.subprotocol], {
    perMessageDeflate: false,
    skipUTF8Validation: true,
    handshakeTimeout: handshakeTimeoutMs,
    maxPayload: receivedBytesMax,
    ...(target.ca === undefined ? {} : { ca: target.ca }),
  });
  let failure = '';
  socket.on('open', () => handlers.opened());
  socket.on('message', (data, isBinary) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : (data as Buffer);
    handlers.received(isBinary ? bytes : bytes.toString('utf8'));
  });
  // `close` always follows `error`, so the error is only remembered.
  socket.on('error', (error) => (failure = error.message));
  socket.on('close', (code, reason) => handlers.closed(failure || reason.toString('utf8') || `code ${code}`));
  return {
    send: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    },
    close: () => {
      if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
      else socket.close(1000);
    },
  };
};
