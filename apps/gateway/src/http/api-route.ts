// What every route says of itself on the OpenAPI page: its answer, and that errors are problems.
import type { Type } from '@nestjs/common';
import { applyDecorators, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiDefaultResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
} from '@nestjs/swagger';
import type { z } from 'zod';
import { AuthGuard } from './auth.guard.ts';
import { problemAnswer } from './schemas.ts';
import { openApiSchema } from './zod-pipe.ts';

export interface RouteDescription {
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: z.ZodType;
  readonly params?: readonly string[];
  /** Schema of the answer; none: 204 without a body. */
  readonly answer?: z.ZodType;
  readonly status?: number;
}

/** Documents a route that anybody may call. */
export function OpenRoute(description: RouteDescription): MethodDecorator {
  const {
    summary,
    body,
    query,
    params = [],
    answer,
    status = answer === undefined ? 204 : 200,
  } = description;
  return applyDecorators(
    ApiOperation({ summary }),
    ...params.map((name) => ApiParam({ name, schema: { type: 'string' } })),
    ...(body === undefined ? [] : [ApiBody({ schema: openApiSchema(body) })]),
    ...(query === undefined ? [] : queryParameters(query)),
    answer === undefined
      ? ApiResponse({ status, description: 'Done.' })
      : ApiResponse({ status, description: 'The answer.', schema: openApiSchema(answer, 'output') }),
    ApiDefaultResponse({
      description: 'What went wrong.',
      content: { 'application/problem+json': { schema: openApiSchema(problemAnswer, 'output') } },
    }),
  );
}

/** Documents a route, and guards it: only for those with a token. */
export const AskerRoute = (description: RouteDescription): MethodDecorator =>
  applyDecorators(UseGuards(AuthGuard as Type<AuthGuard>), ApiBearerAuth(), OpenRoute(description));

function queryParameters(schema: z.ZodType): MethodDecorator[] {
  const { properties = {}, required = [] } = openApiSchema(schema) as {
    properties?: Record<string, object>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) =>
    ApiQuery({ name, required: required.includes(name), schema: property }),
  );
}
