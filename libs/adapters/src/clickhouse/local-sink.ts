// An address of this process, on the loopback interface and with a secret path, to which the embedded engine writes one
// document. Nothing is kept: the engine writes as fast as the body is read, and stops when it is closed.
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LocalSink {
  /** For the engine's `url` function. */
  readonly url: string;
  /** Resolves when the engine begins to write. Throws when it is cut off; its end does not say that the document is whole. */
  readonly body: Promise<AsyncIterable<Uint8Array>>;
  /** Tells the engine that its document has arrived. */
  taken(): void;
  /** Cuts off whoever still writes. */
  close(): void;
}

/** Closes by itself when `signal` aborts. */
export async function openLocalSink(signal?: AbortSignal): Promise<LocalSink> {
  const path = `/${randomBytes(32).toString('hex')}`;
  const server = http.createServer();
  let answered: http.ServerResponse | undefined;
  const body = new Promise<AsyncIterable<Uint8Array>>((resolve) => {
    server.on('request', (request, response) => {
      if (request.url === path && answered === undefined) {
        answered = response;
        resolve(request);
      } else response.writeHead(404).end();
    });
  });
  // Time limits are the query's own: a slow reader makes a slow request.
  server.requestTimeout = 0;
  server.timeout = 0;
  server.listen(0, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  const { port } = server.address() as AddressInfo;
  const close = () => {
    signal?.removeEventListener('abort', close);
    server.close();
    server.closeAllConnections();
  };
  signal?.addEventListener('abort', close);
  if (signal?.aborted) close();
  return { url: `http://127.0.0.1:${port}${path}`, body, taken: () => answered?.end(), close };
}
