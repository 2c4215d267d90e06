// The Fastify side of the HTTP API: limits, headers, metrics and the OpenAPI page. main.ts calls httpAdapter before it
// makes the Nest application, and prepareHttp after.
import type { NestApplicationOptions } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { Metrics } from '@parley/platform';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { HttpLimits } from './http-limits.ts';
import { httpLimits } from './http-limits.ts';
import type { HttpPorts } from './http-ports.ts';
import { problemOf, sendProblem } from './problem.filter.ts';

/** For NestFactory.create: Fastify's own JSON parser is kept, and nothing but JSON is read. */
export const httpNestOptions = { bodyParser: false } satisfies NestApplicationOptions;

export interface HttpAdapterOptions {
  readonly limits?: HttpLimits;
  /** Which proxies in front are believed when they name the client's address; none by default. */
  readonly trustedProxies?: readonly string[];
  /** PEM texts; given, the API speaks https only. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export function httpAdapter(options: HttpAdapterOptions = {}): FastifyAdapter {
  const { limits = httpLimits, trustedProxies = [], tls } = options;
  const fastifyOptions = {
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    // A drained server closes idle keep-alive connections instead of waiting for them.
    forceCloseConnections: 'idle' as const,
    frameworkErrors: (error: Error, _request: unknown, reply: FastifyReply) =>
      sendProblem(reply, problemOf(error)),
  };
  const adapter = new FastifyAdapter(tls === undefined ? fastifyOptions : { ...fastifyOptions, https: tls });
  const fastify: FastifyInstance = adapter.getInstance();
  fastify.removeContentTypeParser('text/plain');
  return adapter;
}

/** Call before `app.init()` or `app.listen()`. */
export function prepareHttp(
  app: NestFastifyApplication,
  ports: Pick<HttpPorts, 'metrics' | 'settings'>,
): void {
  const { corsOrigins = [] } = ports.settings;
  if (corsOrigins.length > 0) app.enableCors({ origin: [...corsOrigins], maxAge: 600 });
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  setHeaders(fastify);
  measure(fastify, ports.metrics);
  closeInTime(fastify, ports.settings.limits);
  serveOpenApi(app);
}

function setHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (_request, reply) => {
    void reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      // Nothing on these pages comes from elsewhere; the OpenAPI page sets styles on its elements.
      'content-security-policy':
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    });
  });
  fastify.addHook('onSend', async (request, reply) => {
    if (request.url.startsWith('/v1/')) void reply.header('cache-control', 'no-store');
  });
}

/** By route pattern, never by address or user. */
function measure(fastify: FastifyInstance, { gateway }: Metrics): void {
  fastify.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    gateway.httpSeconds.labels({ method: request.method, route, status }).observe(reply.elapsedTime / 1000);
  });
}

/** A client that reads slowly, or sends half a request, may not hold up the end of the process. */
function closeInTime(fastify: FastifyInstance, { closeGraceMs }: HttpLimits): void {
  fastify.addHook('preClose', async () => {
    setTimeout(() => fastify.server.closeAllConnections(), closeGraceMs).unref();
  });
}

function serveOpenApi(app: NestFastifyApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Parley HTTP API')
    .setDescription(
      'Accounts, groups, history and search. Live messages go over the WebSocket: docs/protocol.md.',
    )
    .setVersion('1')
    .addBearerAuth()
    .build();
  // Without `validatorUrl` the page would show a badge of a service elsewhere.
  SwaggerModule.setup('openapi', app, () => SwaggerModule.createDocument(app, config), {
    swaggerOptions: { validatorUrl: 'none' },
  });
}
