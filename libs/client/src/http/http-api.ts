// The HTTP API: accounts, sessions, groups, conversations, search. Each call answers or throws a ClientError with the
// server's code. Integers are plain numbers here.
import { ClientError, localError } from '../client-error.ts';
import { type ConversationInfo, type Cursor, Diffusion, type Message, type Profile } from '../frames.ts';
import { wire } from '@parley/protocol';
import { GroupApi } from './group-api.ts';

export interface HttpApiOptions {
  /** `http://127.0.0.1:8081` */
  readonly url: string;
  readonly token?: string;
  readonly fetch?: typeof fetch;
  /** Beyond it the call fails with HTTP_UNREACHABLE. */
  readonly timeoutMs?: number;
}

export interface Credentials {
  readonly tenant?: string;
  readonly handle: string;
  readonly password: string;
  /** The token is for this device only. */
  readonly deviceId?: string;
}

export interface Login {
  readonly tenant: string;
  readonly user: string;
  readonly token: string;
  readonly expiresAtMs: number;
}

export interface GroupCreated {
  readonly id: string;
  readonly conversation: string;
}

export type Role = 'member' | 'admin' | 'owner';

export interface GroupMember {
  readonly user: string;
  readonly role: Role;
  readonly joined: number;
  readonly mutedUntilMs: number;
  /** In the group; empty: none. */
  readonly nickname: string;
}

export interface MembersPage {
  readonly members: readonly GroupMember[];
  readonly count: number;
  /** `after` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export interface DeviceInfo {
  readonly deviceId: string;
  readonly deviceClass: 'unknown' | 'phone' | 'desktop';
  /** When it came or went last. */
  readonly lastSeenMs: number;
  readonly isOnline: boolean;
}

export interface UsersPage {
  readonly users: readonly { readonly id: string; readonly displayName: string; readonly avatar: string }[];
  /** `after` for the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export type WhoMayWrite = 'everyone' | 'contacts' | 'shared-group';

export type RelationKind = 'contacts' | 'requested' | 'asked' | 'blocked' | 'all';

/** What the user has to do with one other person. */
export interface ContactRelation {
  readonly user: string;
  /** `requested`: the user waits; `asked`: the other one does. */
  readonly contact: 'none' | 'requested' | 'asked' | 'accepted';
  readonly isBlocked: boolean;
  /** Of a request that waits. */
  readonly message: string;
  readonly remark: string;
  readonly tags: readonly string[];
  readonly sinceMs: number;
}

export interface RelationsPage {
  readonly relations: readonly ContactRelation[];
  /** `after` for the next page; undefined on the last one. */
  readonly next: string | undefined;
  /** Changes after it come by the inbox. */
  readonly inboxPosition: number;
}

export interface SearchRequest {
  /** Words, "phrases", beginnings*, -excluded, filters such as `from:alice`. May be left out where a filter is given. */
  readonly q?: string;
  readonly conversation?: string | readonly string[];
  readonly sender?: string;
  /** `text`, `image`, `file`, … */
  readonly kind?: string | readonly string[];
  readonly hasAttachment?: boolean;
  readonly mentionsMe?: boolean;
  /** `2026-01-31`, `2026-01-31T13:45:00Z` or milliseconds: sent then or later. */
  readonly sentAfter?: string | number;
  /** Sent before then. */
  readonly sentBefore?: string | number;
  /** Newest first unless given. */
  readonly sort?: 'newest' | 'oldest' | 'relevance';
  readonly limit?: number;
  /** `next` of the page before, in the same order. */
  readonly before?: string;
}

export interface SearchAnswer {
  /** In the order asked for. */
  readonly hits: readonly Message[];
  /** `before` for the next page; undefined on the last one. */
  readonly next: string | undefined;
  /** Through which sequence the index is complete, by conversation searched. */
  readonly completeThrough: readonly Cursor[];
}

export interface ExportRequest {
  /** Without it: the own account and everything the user may read. */
  readonly conversation?: string;
  readonly format?: 'jsonl' | 'csv' | 'parquet';
  /** Only messages sent in [fromMs, toMs). */
  readonly fromMs?: number;
  readonly toMs?: number;
}

type Json = Record<string, unknown>;

const defaultTimeoutMs = 30_000;

export class HttpApi {
  readonly #options: HttpApiOptions;

  constructor(options: HttpApiOptions) {
    this.#options = options;
  }

  /** The same API as somebody else. */
  withToken(token: string): HttpApi {
    return new HttpApi({ ...this.#options, token });
  }

  async register(account: Credentials & { readonly displayName?: string }): Promise<Login> {
    return asLogin(await this.#call('POST', '/v1/accounts', account));
  }

  async login(credentials: Credentials): Promise<Login> {
    return asLogin(await this.#call('POST', '/v1/sessions', credentials));
  }

  async user(user: string): Promise<Profile & { readonly exists: boolean }> {
    const answer = await this.#call('GET', `/v1/users/${encodeURIComponent(user)}`);
    return { exists: answer['exists'] === true, ...asProfile(answer) };
  }

  /** Users whose handle begins with `prefix`, of at least two characters, upper or lower case. */
  async findUsers(
    prefix: string,
    page: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<UsersPage> {
    const answer = await this.#call('GET', `/v1/users${queryOf({ prefix, ...page })}`);
    const next = answer['next'];
    return {
      users: (answer['users'] as UsersPage['users'] | undefined) ?? [],
      next: typeof next === 'string' ? next : undefined,
    };
  }

  /** The one seen last first. */
  async devices(): Promise<readonly DeviceInfo[]> {
    const answer = await this.#call('GET', '/v1/me/devices');
    return (answer['devices'] as DeviceInfo[] | undefined) ?? [];
  }

  /** It is disconnected, and has to log in again. */
  async logOutDevice(deviceId: string): Promise<void> {
    await this.#call('DELETE', `/v1/me/devices/${encodeURIComponent(deviceId)}`);
  }

  async me(): Promise<Profile & { readonly whoMayWrite: WhoMayWrite }> {
    const answer = await this.#call('GET', '/v1/me');
    return { ...asProfile(answer), whoMayWrite: answer['whoMayWrite'] as WhoMayWrite };
  }

  /** What is left out is emptied. */
  async setProfile(profile: Pick<Profile, 'displayName'> & Partial<Profile>): Promise<void> {
    await this.#call('PUT', '/v1/me/profile', profile);
  }

  async setWhoMayWrite(whoMayWrite: WhoMayWrite): Promise<void> {
    await this.#call('PUT', '/v1/me/write-rule', { whoMayWrite });
  }

  /** Where to open the WebSocket. */
  async webSocketUrl(): Promise<string> {
    const answer = await this.#call('GET', '/v1/endpoints');
    const url = (answer['endpoints'] as Json[] | undefined)?.[0]?.['url'];
    if (typeof url !== 'string') throw localError('BAD_ANSWER', 'the server names no endpoint');
    return url;
  }

  async createGroup(group: {
    readonly id?: string;
    readonly title: string;
    readonly members: readonly string[];
  }): Promise<GroupCreated> {
    const answer = await this.#call('POST', '/v1/groups', group);
    return { id: String(answer['id']), conversation: String(answer['conversation']) };
  }

  async addMembers(group: string, members: readonly string[]): Promise<void> {
    await this.#call('POST', `/v1/groups/${group}/members`, { members });
  }

  async setRole(group: string, user: string, role: Role): Promise<void> {
    await this.#call('PUT', `/v1/groups/${group}/members/${user}/role`, { role });
  }

  async removeMember(group: string, user: string): Promise<void> {
    await this.#call('DELETE', `/v1/groups/${group}/members/${user}`);
  }

  async leave(group: string): Promise<void> {
    await this.#call('POST', `/v1/groups/${group}/leave`);
  }

  async dismiss(group: string): Promise<void> {
    await this.#call('DELETE', `/v1/groups/${group}`);
  }

  /** What owner and admins set of it, and what its members see of that. */
  group(group: string): GroupApi {
    return new GroupApi(group, (method, path, body) => this.#call(method, path, body));
  }

  async members(
    group: string,
    page: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<MembersPage> {
    const answer = await this.#call('GET', `/v1/groups/${group}/members${queryOf(page)}`);
    const members = ((answer['members'] as Json[] | undefined) ?? []).map((member) => ({
      user: String(member['user']),
      role: String(member['role']) as Role,
      joined: Number(member['joined'] ?? 0),
      mutedUntilMs: Number(member['mutedUntilMs'] ?? 0),
      nickname: String(member['nickname'] ?? ''),
    }));
    const next = answer['next'];
    return {
      members,
      count: Number(answer['count'] ?? members.length),
      next: typeof next === 'string' ? next : undefined,
    };
  }

  async contacts(
    page: { readonly kind?: RelationKind; readonly after?: string; readonly limit?: number } = {},
  ): Promise<RelationsPage> {
    const answer = await this.#call('GET', `/v1/contacts${queryOf(page)}`);
    const next = answer['next'];
    return {
      relations: (answer['relations'] as ContactRelation[] | undefined) ?? [],
      next: typeof next === 'string' ? next : undefined,
      inboxPosition: Number(answer['inboxPosition'] ?? 0),
    };
  }

  async requestContact(user: string, message = ''): Promise<void> {
    await this.#call('POST', `/v1/contacts/${encodeURIComponent(user)}/request`, { message });
  }

  async acceptContact(user: string): Promise<void> {
    await this.#call('POST', `/v1/contacts/${encodeURIComponent(user)}/accept`);
  }

  async refuseContact(user: string): Promise<void> {
    await this.#call('POST', `/v1/contacts/${encodeURIComponent(user)}/refuse`);
  }

  /** Ends it for both; takes an own request back. */
  async removeContact(user: string): Promise<void> {
    await this.#call('DELETE', `/v1/contacts/${encodeURIComponent(user)}`);
  }

  /** Own name and tags for a person; what is left out is emptied. */
  async describeContact(
    user: string,
    description: { readonly remark?: string; readonly tags?: readonly string[] },
  ): Promise<void> {
    await this.#call('PUT', `/v1/contacts/${encodeURIComponent(user)}`, description);
  }

  async block(user: string): Promise<void> {
    await this.#call('PUT', `/v1/blocks/${encodeURIComponent(user)}`);
  }

  async unblock(user: string): Promise<void> {
    await this.#call('DELETE', `/v1/blocks/${encodeURIComponent(user)}`);
  }

  async conversations(): Promise<readonly ConversationInfo[]> {
    const answer = await this.#call('GET', '/v1/conversations');
    const conversations = (answer['conversations'] as Json[] | undefined) ?? [];
    return conversations.map(
      (info) =>
        wire.Conversation.fromObject({
          ...info,
          diffusion: diffusionOf(info['diffusion']),
        }) as ConversationInfo,
    );
  }

  async search(search: SearchRequest): Promise<SearchAnswer> {
    const answer = await this.#call('GET', `/v1/search${queryOf(search)}`);
    const hits = (answer['hits'] as { message: Json }[] | undefined) ?? [];
    const through = (answer['completeThrough'] as Json[] | undefined) ?? [];
    const next = answer['next'];
    return {
      hits: hits.map((hit) => wire.Message.fromObject(hit.message) as Message),
      next: typeof next === 'string' ? next : undefined,
      completeThrough: through.map((cursor) => wire.Cursor.fromObject(cursor)),
    };
  }

  /**
   * A document of messages, as it is made: resolves when it has begun. It ends only when it is whole, and throws otherwise.
   * Leaving the loop, and aborting, ends it at the server too.
   */
  async export(
    { conversation, ...query }: ExportRequest = {},
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const place = conversation === undefined ? '' : `/conversations/${encodeURIComponent(conversation)}`;
    const path = `/v1${place}/export${queryOf(query)}`;
    const { url, token } = this.#options;
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const init = { headers, ...(signal === undefined ? {} : { signal }) };
    const response = await (this.#options.fetch ?? fetch)(new URL(path, url), init).catch(
      (error: unknown) => {
        throw unreachable(`GET ${path}`, error);
      },
    );
    if (!response.ok) throw problemError(response.status, parseJson(await response.text()));
    return piecesOf(response, `GET ${path}`);
  }

  async #call(method: string, path: string, body?: object): Promise<Json> {
    const { url, token, timeoutMs = defaultTimeoutMs } = this.#options;
    const send = this.#options.fetch ?? fetch;
    const headers: Record<string, string> = {};
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    let response: Response;
    let text: string;
    try {
      const init = { method, headers, signal: AbortSignal.timeout(timeoutMs) };
      response = await send(
        new URL(path, url),
        body === undefined ? init : { ...init, body: JSON.stringify(body) },
      );
      text = await response.text();
    } catch (error) {
      throw unreachable(`${method} ${path}`, error);
    }
    const answer = parseJson(text);
    if (!response.ok) throw problemError(response.status, answer);
    return answer;
  }
}

async function* piecesOf(response: Response, call: string): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const piece of response.body ?? []) yield piece as Uint8Array;
  } catch (error) {
    throw unreachable(call, error);
  }
}

function unreachable(call: string, error: unknown): ClientError {
  const cause = (error as { cause?: Error }).cause ?? (error as Error);
  return localError('HTTP_UNREACHABLE', `${call}: ${cause.message}`, true);
}

function parseJson(text: string): Json {
  if (text === '') return {};
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw localError('BAD_ANSWER', `the answer is no JSON: ${(error as Error).message}`);
  }
}

function problemError(status: number, problem: Json): ClientError {
  return new ClientError({
    code: typeof problem['code'] === 'string' ? problem['code'] : `HTTP_${status}`,
    message: String(problem['detail'] ?? problem['title'] ?? `HTTP status ${status}`),
    retryable: problem['retryable'] === true,
    retryAfterMs: Number(problem['retryAfterMs'] ?? 0),
  });
}

const asProfile = (answer: Json): Profile => ({
  displayName: String(answer['displayName'] ?? ''),
  avatar: String(answer['avatar'] ?? ''),
  fields: (answer['fields'] as Profile['fields'] | undefined) ?? [],
});

const diffusionOf = (word: unknown): number => (word === 'read' ? Diffusion.read : Diffusion.write);

const asLogin = (answer: Json): Login => ({
  tenant: String((answer['user'] as Json | undefined)?.['tenant']),
  user: String((answer['user'] as Json | undefined)?.['id']),
  token: String(answer['token']),
  expiresAtMs: Number(answer['expiresAtMs'] ?? 0),
});

function queryOf(values: object): string {
  const given = Object.entries(values).flatMap(([name, value]: [string, unknown]) =>
    (Array.isArray(value) ? value : [value])
      .filter((one) => one !== undefined)
      .map((one): [string, string] => [name, String(one)]),
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
