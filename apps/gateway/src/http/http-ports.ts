// Everything the HTTP API needs from outside. main.ts makes one and gives it to HttpModule.forRoot.
import type { DeviceRegistry, PresenceRegistry, RateLimiter, UserDirectory } from '@parley/adapters';
import type { Health, Metrics } from '@parley/platform';
import type { Clock, Random } from '@parley/std';
import type { PasswordHasher } from '../auth/password-hasher.ts';
import type { Registration } from '../auth/registration.ts';
import type { TokenIssuer } from '../auth/token-issuer.ts';
import type { TokenVerifier } from '../auth/token-verifier.ts';
import type { WordLists } from '../safety/word-lists.ts';
import type { Sealing } from '../sealing/sealing.ts';
import type { EntityQuery } from '../query/entity-query.ts';
import type { AnalyticsQuestions } from './analytics-questions.ts';
import type { CommandSender } from './command-sender.ts';
import type { HistoryExport } from './history-export.ts';
import type { HistoryAdmin } from './history-admin.ts';
import type { HistoryReader } from './history-reader.ts';
import type { HistorySearch } from './history-search.ts';
import type { HttpLimits } from './http-limits.ts';

export interface HttpPorts {
  readonly verifier: TokenVerifier;
  readonly issuer: TokenIssuer;
  readonly passwords: PasswordHasher;
  readonly registration: Registration;
  readonly commands: CommandSender;
  readonly queries: EntityQuery;
  readonly history: HistoryReader;
  readonly search: HistorySearch;
  readonly exports: HistoryExport;
  readonly analytics: AnalyticsQuestions;
  readonly admin: HistoryAdmin;
  readonly words: Pick<WordLists, 'list' | 'change' | 'check'>;
  /** Undefined: no tenant seals. */
  readonly sealing?: Sealing | undefined;
  readonly presence: PresenceRegistry;
  readonly directory: UserDirectory;
  readonly devices: DeviceRegistry;
  readonly rates: RateLimiter;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly health: Pick<Health, 'report'>;
  readonly log: HttpLog;
  readonly settings: HttpSettings;
}

/** The part of a logger this half uses; pino's fits. */
export interface HttpLog {
  error(fields: object, text: string): void;
}

export interface HttpSettings {
  readonly limits: HttpLimits;
  /** At which sizes new groups switch diffusion, both ways. */
  readonly groupPolicy: { readonly largeFrom: number; readonly smallTo: number };
  /** What the tenant allows its groups. */
  groupLimits(tenant: string): TenantGroupLimits;
  /** Tenants in which strangers may make accounts; undefined: any that no external issuer keeps. */
  readonly registrationTenants?: readonly string[];
  /** Who may ask about a whole tenant, as `tenant/user`; nobody by default. */
  readonly analysts?: readonly string[];
  /** Who is an admin, as `tenant/user`. */
  readonly admins?: readonly string[];
  /** Tenant of somebody who names none. */
  readonly defaultTenant: string;
  /** Shown on the front page: where clients connect. */
  readonly socketUrl?: string;
  /** Web origins that may call the API from a browser; none by default. */
  readonly corsOrigins?: readonly string[];
}

/** Of one tenant. */
export interface TenantGroupLimits {
  /** Members of a group that is made now; one more is GROUP_FULL. */
  readonly membersMax: number;
  /** Groups a user is a member of; one more is LIMIT_REACHED. */
  readonly groupsPerUserMax: number;
  /** The longest time a group may give its members, owner or admins to edit or recall messages; more is BAD_REQUEST. */
  readonly changeWindowMsMax: number;
}

/** The injection token of HttpPorts. */
export const HTTP_PORTS = Symbol('HttpPorts');
