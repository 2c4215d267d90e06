// The named limits of the HTTP API. Every one has a unit, a default, and says what happens at it.
import type { RateLimit } from '@parley/adapters';

export interface HttpLimits {
  /** A larger request body is BODY_TOO_LARGE. */
  readonly bodyBytesMax: number;
  /** A request that is not received whole within this, milliseconds, is cut off. */
  readonly requestTimeoutMs: number;
  /** On shutdown, requests under way get this long, milliseconds; then their connections are closed. */
  readonly closeGraceMs: number;
  /** Members in one request; more is BAD_REQUEST: add them in several. */
  readonly membersPerRequestMax: number;
  /** Elements on a page of members or messages; a larger wish gets this many. */
  readonly pageMax: number;
  /** Users in one presence question; more is BAD_REQUEST. */
  readonly presenceUsersMax: number;
  /** Tags of one contact; more is BAD_REQUEST. */
  readonly tagsPerContactMax: number;
  /** Users on a page of a search by handle; a larger wish gets this many. */
  readonly usersPerSearchMax: number;
  /** Own fields of a profile; more is BAD_REQUEST. */
  readonly profileFieldsMax: number;
  /** Questions to entities under way at once for one request. */
  readonly questionsAtOnceMax: number;
  /** One search, milliseconds. Then HISTORY_UNAVAILABLE. */
  readonly searchTimeoutMs: number;
  /** One question of an analyst, milliseconds. Then HISTORY_UNAVAILABLE. */
  readonly analyticsTimeoutMs: number;
  /** One question of an admin about the past, milliseconds. Then HISTORY_UNAVAILABLE. */
  readonly adminTimeoutMs: number;
  /** A longer search text is BAD_REQUEST. */
  readonly searchTextCharactersMax: number;
  /** Conversations named in one search; more is BAD_REQUEST. */
  readonly conversationsPerSearchMax: number;
  /** Beyond any of these: RATE_LIMITED, with the time until the window ends. */
  readonly registrationsPerAddress: RateLimit;
  readonly loginsPerAddress: RateLimit;
  /** Wrong passwords for one account from one address. Others keep their own count, so nobody can lock a user out. */
  readonly loginFailures: RateLimit;
  readonly requestsPerUser: RateLimit;
  readonly searchesPerUser: RateLimit;
  readonly contactRequestsPerUser: RateLimit;
  readonly userSearchesPerUser: RateLimit;
  readonly exportsPerUser: RateLimit;
  readonly analyticsQuestions: RateLimit;
  /** Rows of the store that were read for an analyst's answers, in thousands. The last answer may go over. */
  readonly analyticsThousandRows: RateLimit;
}

export const httpLimits: HttpLimits = {
  bodyBytesMax: 131_072,
  requestTimeoutMs: 30_000,
  closeGraceMs: 5_000,
  membersPerRequestMax: 1_000,
  pageMax: 500,
  presenceUsersMax: 200,
  tagsPerContactMax: 16,
  profileFieldsMax: 16,
  usersPerSearchMax: 50,
  questionsAtOnceMax: 16,
  searchTimeoutMs: 5_000,
  analyticsTimeoutMs: 8_000,
  adminTimeoutMs: 60_000,
  searchTextCharactersMax: 512,
  conversationsPerSearchMax: 100,
  registrationsPerAddress: { name: 'http-register', max: 30, windowMs: 60_000 },
  loginsPerAddress: { name: 'http-login', max: 60, windowMs: 60_000 },
  loginFailures: { name: 'http-login-failure', max: 10, windowMs: 15 * 60_000 },
  requestsPerUser: { name: 'http-request', max: 1_200, windowMs: 60_000 },
  searchesPerUser: { name: 'http-search', max: 120, windowMs: 60_000 },
  userSearchesPerUser: { name: 'http-user-search', max: 60, windowMs: 60_000 },
  contactRequestsPerUser: { name: 'http-contact-request', max: 60, windowMs: 60 * 60_000 },
  exportsPerUser: { name: 'http-export', max: 20, windowMs: 60 * 60_000 },
  analyticsQuestions: { name: 'analytics-question', max: 600, windowMs: 3_600_000 },
  analyticsThousandRows: { name: 'analytics-rows', max: 500_000, windowMs: 3_600_000 },
};
