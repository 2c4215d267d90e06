// /live, /ready and /metrics over plain HTTP on a port of its own, for apps that serve nobody else. The gateway has
// the same routes in its HTTP API.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface OperationsServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface OperationsServerOptions {
  readonly port: number;
  readonly host: string;
  readonly health: Health;
  readonly metrics: Metrics;
}

export async function startOperationsServer(options: OperationsServerOptions): Promise<OperationsServer> {
  const server = http.createServer((request, response) => {
    answer(request.url ?? '/', options).then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(url: string, { health, metrics }: OperationsServerOptions) {
  const path = url.split('?')[0];
  if (path === '/live') return { status: 200, type: 'text/plain', body: 'live\n' };
  if (path === '/ready') {
    const report = await health.report();
    return { status: report.isReady ? 200 : 503, type: 'application/json', body: JSON.stringify(report) };
  }
  if (path === '/metrics') {
    return { status: 200, type: metrics.registry.contentType, body: await metrics.registry.metrics() };
  }
  return { status: 404, type: 'text/plain', body: 'not here: /live, /ready, /metrics\n' };
}
