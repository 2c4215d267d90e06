// Every error of the HTTP API leaves as problem JSON (RFC 9457), with the code of the one table. What is not an error
// of the table is a bug: it is logged, and the client learns no more than INTERNAL.
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, HttpException, Inject } from '@nestjs/common';
import type { ErrorCode, ErrorName } from '@parley/protocol';
import { errorCodes } from '@parley/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import type { HttpPorts } from './http-ports.ts';
import { HTTP_PORTS } from './http-ports.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorName;
  readonly detail?: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(HTTP_PORTS) private readonly ports: HttpPorts) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const context = host.switchToHttp();
    const reply = context.getResponse<FastifyReply>();
    const problem = problemOf(error);
    if (problem.code === 'INTERNAL') {
      const { method, routeOptions } = context.getRequest<FastifyRequest>();
      this.ports.log.error({ err: error, method, route: routeOptions?.url }, 'http request failed');
    }
    sendProblem(reply, problem);
  }
}

export function sendProblem(reply: FastifyReply, problem: Problem): void {
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  if (problem.retryAfterMs !== undefined) {
    void reply.header('retry-after', String(Math.ceil(problem.retryAfterMs / 1000)));
  }
  void reply
    .status(problem.status)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify(problem));
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return problem(error.code, error.detail, error.retryAfterMs);
  const status = statusOf(error);
  if (status === 404) return problem('ROUTE_NOT_FOUND');
  if (status === 413) return problem('BODY_TOO_LARGE');
  if (status === 415) return problem('UNSUPPORTED_MEDIA_TYPE');
  if (status === 503) return problem('UNAVAILABLE');
  if (status >= 400 && status < 500) return problem('BAD_REQUEST', (error as Error).message);
  return problem('INTERNAL');
}

function problem(code: ErrorName, detail?: string, retryAfterMs?: number): Problem {
  const entry: ErrorCode = errorCodes[code];
  const waitMs = retryAfterMs ?? entry.retryAfterMs;
  return {
    type: `urn:parley:error:${code}`,
    title: entry.message,
    status: entry.status,
    code,
    ...(detail === undefined || detail === entry.message ? {} : { detail }),
    retryable: entry.retryable,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  };
}

/** Of an error of Nest or of Fastify; 500 for anything else. */
function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number')
    return error.statusCode;
  return 500;
}
