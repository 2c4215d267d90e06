// What operators may say about the limits of the HTTP API: fields of the gateway's configuration (spread `httpFields`
// into it), and the limits made of them.
import { setting } from '@parley/platform';
import type { z } from 'zod';
import type { HttpLimits } from './http-limits.ts';
import { httpLimits } from './http-limits.ts';

const atLeastOne = (fallback: number) => setting.integer({ min: 1, max: 10_000_000 }).default(fallback);

export const httpFields = {
  /** From one address in a minute; beyond it RATE_LIMITED. */
  httpRegistrationsPerMinute: atLeastOne(httpLimits.registrationsPerAddress.max),
  httpLoginsPerMinute: atLeastOne(httpLimits.loginsPerAddress.max),
  /** Of one user in a minute; beyond it RATE_LIMITED. */
  httpRequestsPerMinute: atLeastOne(httpLimits.requestsPerUser.max),
  httpSearchesPerMinute: atLeastOne(httpLimits.searchesPerUser.max),
  /** Of one user in an hour; beyond it RATE_LIMITED. */
  httpExportsPerHour: atLeastOne(httpLimits.exportsPerUser.max),
  httpContactRequestsPerHour: atLeastOne(httpLimits.contactRequestsPerUser.max),
  httpUserSearchesPerMinute: atLeastOne(httpLimits.userSearchesPerUser.max),
  /** Of one analyst in an hour; beyond it RATE_LIMITED. */
  analyticsQuestionsPerHour: atLeastOne(httpLimits.analyticsQuestions.max),
  /** Thousands of rows the store reads for them. */
  analyticsThousandRowsPerHour: atLeastOne(httpLimits.analyticsThousandRows.max),
};

export type HttpConfig = z.output<z.ZodObject<typeof httpFields>>;

export const httpLimitsOf = (config: HttpConfig): HttpLimits => ({
  ...httpLimits,
  registrationsPerAddress: { ...httpLimits.registrationsPerAddress, max: config.httpRegistrationsPerMinute },
  loginsPerAddress: { ...httpLimits.loginsPerAddress, max: config.httpLoginsPerMinute },
  requestsPerUser: { ...httpLimits.requestsPerUser, max: config.httpRequestsPerMinute },
  searchesPerUser: { ...httpLimits.searchesPerUser, max: config.httpSearchesPerMinute },
  exportsPerUser: { ...httpLimits.exportsPerUser, max: config.httpExportsPerHour },
  userSearchesPerUser: { ...httpLimits.userSearchesPerUser, max: config.httpUserSearchesPerMinute },
  contactRequestsPerUser: { ...httpLimits.contactRequestsPerUser, max: config.httpContactRequestsPerHour },
  analyticsQuestions: { ...httpLimits.analyticsQuestions, max: config.analyticsQuestionsPerHour },
  analyticsThousandRows: { ...httpLimits.analyticsThousandRows, max: config.analyticsThousandRowsPerHour },
});
