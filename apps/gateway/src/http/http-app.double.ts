// The HTTP API with doubles for everything outside it, for its specs: entities are maps, time stands still, and every
// port can be told to fail.
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import {
  MemoryCluster,
  MemoryPresenceRegistry,
  MemoryRateLimiter,
  MemoryDeviceRegistry,
  MemoryUserDirectory,
} from '@parley/adapters';
import type { PresenceRegistry } from '@parley/adapters';
import type { ErrorName, parley } from '@parley/protocol';
import { errorBody, internal, wire } from '@parley/protocol';
import type { Clock, EntityAddress, Result } from '@parley/std';
import { err, ok, seededRandom } from '@parley/std';
import { Health, createMetrics } from '@parley/platform';
import { JwtTokenVerifier } from '../auth/jwt-token-verifier.ts';
import { PasswordHasher } from '../auth/password-hasher.ts';
import { Registration } from '../auth/registration.ts';
import { generateSigningKeys } from '../auth/signing-keys.ts';
import { TokenIssuer } from '../auth/token-issuer.ts';
import type { EntityQuery, QueryAnswer, QueryBody } from '../query/entity-query.ts';
import type { HistoryFailure } from '../query/history-question.ts';
import type { AnalyticsAnswer, AnalyticsQuestion, AnalyticsQuestions } from './analytics-questions.ts';
import type { CommandSender, ServerFrame } from './command-sender.ts';
import type { AdminAnswer, AdminRequest, HistoryAdmin } from './history-admin.ts';
import type { ExportRequest, HistoryExport } from './history-export.ts';
import type { HistoryReader, HistoryRequest } from './history-reader.ts';
import type { HistorySearch, SearchAnswer, SearchRequest } from './history-search.ts';
import { httpLimits } from './http-limits.ts';
import type { HttpPorts } from './http-ports.ts';
import { HttpModule } from './http.module.ts';
import { WordLists } from '../safety/word-lists.ts';
import { httpAdapter, httpNestOptions, prepareHttp } from './http-server.ts';

/** Time that moves only when told to; timers are real. */
export class HandClock implements Clock {
  now = Date.UTC(2026, 10, 21);

  nowMs(): number {
    return this.now;
  }

  monotonicMs(): number {
    return this.now;
  }

  after(delayMs: number, task: () => void) {
    const handle = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(handle) };
  }
}

interface SentCommand {
  readonly address: EntityAddress;
  readonly command: parley.internal.v1.UserCommand | parley.internal.v1.GroupCommand;
}

/** Users that remember their account, and whatever else a spec puts in. */
export class EntitiesDouble implements CommandSender, EntityQuery {
  readonly accounts = new Map<string, parley.internal.v1.AccountAnswer.$Properties>();
  readonly sent: SentCommand[] = [];
  readonly asked: { address: EntityAddress; query: QueryBody }[] = [];
  /** What groups and conversation lists answer. */
  answers = new Map<string, parley.internal.v1.QueryAnswer.$Properties>();
  /** The next commands to groups are refused with this. */
  refusal: ErrorName | undefined;
  /** Every question fails with this. */
  queryFailure: ErrorName | undefined;
  /** What the asker has deleted; not among `asked`. */
  views: parley.internal.v1.OwnView.$Properties[] = [];

  send(address: EntityAddress, payload: Uint8Array): Promise<ServerFrame> {
    const codec = address.type === 'user' ? internal.UserCommand : internal.GroupCommand;
    const command = codec.decode(payload);
    this.sent.push({ address, command });
    const refusal = this.refusal ?? this.#register(address, command);
    const frame = refusal === undefined ? { done: {} } : { error: errorBody(refusal) };
    return Promise.resolve(wire.ServerFrame.create(frame as parley.v1.ServerFrame.$Properties));
  }

  ask(address: EntityAddress, query: QueryBody): Promise<Result<QueryAnswer, ErrorName>> {
    if (query.views) return Promise.resolve(ok(new internal.QueryAnswer({ views: { views: this.views } })));
    this.asked.push({ address, query });
    if (this.queryFailure !== undefined) return Promise.resolve(err(this.queryFailure));
    const { tenant, type, id } = address;
    const answer =
      query.account === undefined
        ? this.answers.get(`${tenant}/${type}/${id}`)
        : { account: this.accounts.get(`${tenant}/${id}`) ?? { exists: false } };
    if (answer === undefined) return Promise.resolve(err('CONVERSATION_NOT_FOUND'));
    // Through bytes, as in life.
    const bytes = internal.QueryAnswer.encode(answer as parley.internal.v1.QueryAnswer.$Shape).finish();
    return Promise.resolve(ok(internal.QueryAnswer.decode(bytes)));
  }

  #register({ tenant, id }: EntityAddress, command: SentCommand['command']): ErrorName | undefined {
    const wish = 'registerUser' in command ? command.registerUser : undefined;
    if (wish === undefined || wish === null) return undefined;
    if (this.accounts.has(`${tenant}/${id}`)) return 'ALREADY_EXISTS';
    this.accounts.set(`${tenant}/${id}`, { exists: true, ...wish });
    return undefined;
  }
}

export class HistoryDouble implements HistoryReader, HistorySearch, HistoryExport, AnalyticsQuestions {
  readonly adminsAsked: AdminRequest[] = [];
  adminAnswer: Result<parley.internal.v1.AdminAnswer.$Properties, HistoryFailure> = err({
    code: 'HISTORY_UNAVAILABLE',
  });
  readonly questionsAsked: AnalyticsQuestion[] = [];
  analyticsAnswer: Result<AnalyticsAnswer, HistoryFailure> = err({ code: 'HISTORY_UNAVAILABLE' });
  readonly pagesAsked: HistoryRequest[] = [];
  readonly searchesAsked: SearchRequest[] = [];
  readonly exportsAsked: ExportRequest[] = [];
  exportAnswer: Result<AsyncIterable<Uint8Array>, HistoryFailure> = err({ code: 'HISTORY_UNAVAILABLE' });
  pageAnswer: Result<parley.v1.HistoryPage.$Properties, HistoryFailure> = err({ code: 'NOT_A_MEMBER' });
  searchAnswer: Result<parley.internal.v1.SearchAnswer.$Properties, HistoryFailure> = err({
    code: 'HISTORY_UNAVAILABLE',
  });

  page(_asker: unknown, request: HistoryRequest): Promise<Result<parley.v1.HistoryPage, HistoryFailure>> {
    this.pagesAsked.push(request);
    const answer = this.pageAnswer;
    return Promise.resolve(answer.ok ? ok(wire.HistoryPage.create(answer.value)) : answer);
  }

  ask(question: AnalyticsQuestion): Promise<Result<AnalyticsAnswer, HistoryFailure>> {
    this.questionsAsked.push(question);
    return Promise.resolve(this.analyticsAnswer);
  }

  readonly admin: HistoryAdmin = {
    ask: (request: AdminRequest): Promise<Result<AdminAnswer, HistoryFailure>> => {
      this.adminsAsked.push(request);
      const answer = this.adminAnswer;
      return Promise.resolve(answer.ok ? ok(new internal.AdminAnswer(answer.value)) : answer);
    },
  };

  search(request: SearchRequest): Promise<Result<SearchAnswer, HistoryFailure>> {
    this.searchesAsked.push(request);
    const answer = this.searchAnswer;
    return Promise.resolve(answer.ok ? ok(internal.SearchAnswer.create(answer.value)) : answer);
  }

  open(request: ExportRequest): Promise<Result<AsyncIterable<Uint8Array>, HistoryFailure>> {
    this.exportsAsked.push(request);
    return Promise.resolve(this.exportAnswer);
  }
}

/** Cheap hashes: the specs are about who may do what. */
const cheapArgon2 = { argon2MemoryKib: 64, argon2Passes: 1, argon2Lanes: 1 };

export interface HttpDoubles {
  readonly app: NestFastifyApplication;
  readonly clock: HandClock;
  readonly entities: EntitiesDouble;
  readonly history: HistoryDouble;
  readonly presence: MemoryPresenceRegistry;
  readonly issuer: TokenIssuer;
  readonly health: Health;
  readonly logged: object[];
  /** Makes an account, and gives a token for it. */
  tokenOf(user: string, tenant?: string): Promise<string>;
  /** One request; `as` is a token. `body` of the answer is parsed JSON. */
  call(line: string, options?: { as?: string; body?: object }): Promise<CallAnswer>;
}

export interface CallAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // Specs look into answers freely.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export async function startHttpDoubles(
  change: (ports: HttpPorts) => HttpPorts = (ports) => ports,
): Promise<HttpDoubles> {
  const clock = new HandClock();
  const entities = new EntitiesDouble();
  const history = new HistoryDouble();
  const presence = new MemoryPresenceRegistry(clock);
  const keys = await generateSigningKeys();
  const issuer = new TokenIssuer(keys, clock);
  const health = new Health();
  health.add('nats', () => undefined);
  const logged: object[] = [];
  const node = new MemoryCluster({ clock }).node('gateway');
  const log = { error: (fields: object) => logged.push(fields) };
  const tenants = await node.keyValues.bucket('tenants');
  const words = new WordLists({ tenants, lists: node.snapshots('words'), clock, log });
  await words.start();
  const ports = change({
    verifier: new JwtTokenVerifier({ keys, clock }),
    issuer,
    passwords: new PasswordHasher(undefined, cheapArgon2),
    registration: new Registration(entities, []),
    commands: entities,
    queries: entities,
    history,
    search: history,
    exports: history,
    analytics: history,
    admin: history.admin,
    words,
    presence: presence as PresenceRegistry,
    directory: new MemoryUserDirectory(),
    devices: new MemoryDeviceRegistry(),
    rates: new MemoryRateLimiter(clock),
    clock,
    random: seededRandom(1),
    metrics: createMetrics('gateway'),
    health,
    log,
    settings: {
      limits: httpLimits,
      groupPolicy: { largeFrom: 500, smallTo: 400 },
      groupLimits: () => ({
        membersMax: 100_000,
        groupsPerUserMax: 10,
        changeWindowMsMax: 30 * 24 * 3_600_000,
      }),
      admins: ['default/ada'],
      analysts: ['default/ana'],
      defaultTenant: 'default',
      socketUrl: 'ws://localhost:1/<v1>',
    },
  });
  const adapter = httpAdapter({ limits: ports.settings.limits });
  const app = await NestFactory.create<NestFastifyApplication>(HttpModule.forRoot(ports), adapter, {
    ...httpNestOptions,
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  prepareHttp(app, ports);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  const tokenOf = async (user: string, tenant = 'default') => {
    entities.accounts.set(`${tenant}/${user}`, { exists: true, handle: user, displayName: `The ${user}` });
    return (await issuer.issue({ tenant, user })).token;
  };
  const call = async (line: string, options: { as?: string; body?: object } = {}): Promise<CallAnswer> => {
    const [method, url] = line.split(' ') as ['GET', string];
    const answer = await app.inject({
      method,
      url,
      headers: options.as === undefined ? {} : { authorization: `Bearer ${options.as}` },
      ...(options.body === undefined ? {} : { payload: options.body }),
    });
    const isJson = String(answer.headers['content-type']).includes('json');
    return { status: answer.statusCode, headers: answer.headers, body: isJson ? answer.json() : answer.body };
  };
  return { app, clock, entities, history, presence, issuer, health, logged, tokenOf, call };
}
