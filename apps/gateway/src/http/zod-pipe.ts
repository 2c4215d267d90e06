// Checks bodies, queries and path parameters with zod, and shows the same schema on the OpenAPI page.
import type { PipeTransform } from '@nestjs/common';
import type { ErrorName } from '@parley/protocol';
import { z } from 'zod';
import { ApiError } from './api-error.ts';

export class ZodPipe<T> implements PipeTransform<unknown, T> {
  readonly #schema: z.ZodType<T>;
  readonly #code: ErrorName;

  constructor(schema: z.ZodType<T>, code: ErrorName = 'BAD_REQUEST') {
    this.#schema = schema;
    this.#code = code;
  }

  transform(value: unknown): T {
    const parsed = this.#schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new ApiError(this.#code, complaints(parsed.error));
  }
}

/** All of them at once, with their places, at most this many. Never the values: they may be passwords. */
const complaintsMax = 10;

function complaints(error: z.ZodError): string {
  const lines = error.issues.slice(0, complaintsMax).map((issue) => {
    const place = issue.path.join('.');
    return place === '' ? issue.message : `${place}: ${issue.message}`;
  });
  return lines.join('; ');
}

/** What the OpenAPI page shows for a schema. `io`: what a client sends, or what it gets. */
export function openApiSchema(schema: z.ZodType, io: 'input' | 'output' = 'input'): Record<string, unknown> {
  return z.toJSONSchema(schema, { target: 'openapi-3.0', io, unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
}
