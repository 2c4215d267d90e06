// What operators may say about the limits of the HTTP API: fields of the gateway's configuration (spread `httpFields`
// into it), and the limits made of them.
import { setting } from '@parley/platform';
import type { z } from 'zod';
import type { HttpLimits } from './http-limits.ts';
import { httpLimits } from './http-limits.ts';

const atMost = (fallback: number) => setting.integer({ min: 1, max: 10_000_000 }).default(fallback);

export const httpFields = {
  /** From one address in a minute; beyond it RATE_LIMITED. */
  httpRegistrationsPerMinute: atMost(httpLimits.registrationsPerAddress.max),
  httpLoginsPerMinute: atMost(httpLimits.loginsPerAddress.max),
  /** Of one user in a minute; beyond it RATE_LIMITED. */
  httpRequestsPerMinute: atMost(httpLimits.requestsPerUser.max),
  httpSearchesPerMinute: atMost(httpLimits.searchesPerUser.max),
  /** Of one user in an hour; beyond it RATE_LIMITED. */
  httpExportsPerHour: atMost(httpLimits.exportsPerUser.max),
};

export type HttpConfig = z.output<z.ZodObject<typeof httpFields>>;

export const httpLimitsOf = (config: HttpConfig): HttpLimits => ({
  ...httpLimits,
  registrationsPerAddress: { ...httpLimits.registrationsPerAddress, max: config.httpRegistrationsPerMinute },
  loginsPerAddress: { ...httpLimits.loginsPerAddress, max: config.httpLoginsPerMinute },
  requestsPerUser: { ...httpLimits.requestsPerUser, max: config.httpRequestsPerMinute },
  searchesPerUser: { ...httpLimits.searchesPerUser, max: config.httpSearchesPerMinute },
  exportsPerUser: { ...httpLimits.exportsPerUser, max: config.httpExportsPerHour },
});
