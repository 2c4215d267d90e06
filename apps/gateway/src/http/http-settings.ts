// What operators may say about the limits of the HTTP API: fields of the gateway's configuration (spread `httpFields`
// into it), and the limits made of them.
import { setting } from '@parley/platform';
import type { z } from 'zod';
import type { HttpLimits } from './http-limits.ts';
import { httpLimits } from './http-limits.ts';

const perMinute = (fallback: number) => setting.integer({ min: 1, max: 10_000_000 }).default(fallback);

export const httpFields = {
  /** From one address in a minute; beyond it RATE_LIMITED. */
  httpRegistrationsPerMinute: perMinute(httpLimits.registrationsPerAddress.max),
  httpLoginsPerMinute: perMinute(httpLimits.loginsPerAddress.max),
  /** Of one user in a minute; beyond it RATE_LIMITED. */
  httpRequestsPerMinute: perMinute(httpLimits.requestsPerUser.max),
  httpSearchesPerMinute: perMinute(httpLimits.searchesPerUser.max),
};

export type HttpConfig = z.output<z.ZodObject<typeof httpFields>>;

export const httpLimitsOf = (config: HttpConfig): HttpLimits => ({
  ...httpLimits,
  registrationsPerAddress: { ...httpLimits.registrationsPerAddress, max: config.httpRegistrationsPerMinute },
  loginsPerAddress: { ...httpLimits.loginsPerAddress, max: config.httpLoginsPerMinute },
  requestsPerUser: { ...httpLimits.requestsPerUser, max: config.httpRequestsPerMinute },
  searchesPerUser: { ...httpLimits.searchesPerUser, max: config.httpSearchesPerMinute },
});
