// One group over the HTTP API: what its owner and admins set, and what its members may see of it.

export interface GroupInfo {
  readonly title: string;
  readonly avatar: string;
  readonly announcement: { readonly text: string; readonly by: string; readonly atMs: number } | null;
  readonly settings: GroupSettings;
  readonly windows: { readonly edit: ChangeWindow | null; readonly recall: ChangeWindow | null };
  readonly head: number;
  readonly count: number;
  readonly role: 'member' | 'admin' | 'owner';
  /** The caller's own, empty: none. */
  readonly nickname: string;
  readonly isDismissed: boolean;
}

export interface GroupSettings {
  readonly muteAll: boolean;
  /** 0: no limit. */
  readonly slowModeMs: number;
  readonly joining: 'invite' | 'request' | 'open';
  /** Newcomers see what was said before. */
  readonly historyVisible: boolean;
}

export interface ChangeWindow {
  readonly ownMs: number;
  readonly managerMs: number;
}

export interface Ban {
  readonly user: string;
  readonly by: string;
  readonly atMs: number;
}

export interface Invite {
  readonly id: string;
  readonly code: string;
  readonly by: string;
  readonly atMs: number;
  /** 0: never. */
  readonly expiresAtMs: number;
  /** 0: any number. */
  readonly usesMax: number;
  readonly uses: number;
}

export interface JoinRequest {
  readonly user: string;
  readonly message: string;
  readonly atMs: number;
}

export interface ListPage {
  readonly after?: string;
  readonly limit?: number;
}

/** One request; throws a ClientError with the server's code. */
export type HttpCall = (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;

export class GroupApi {
  readonly #path: string;
  readonly #call: HttpCall;

  constructor(group: string, call: HttpCall) {
    this.#path = `/v1/groups/${encodeURIComponent(group)}`;
    this.#call = call;
  }

  async info(): Promise<GroupInfo> {
    return (await this.#call('GET', this.#path)) as unknown as GroupInfo;
  }

  async changeProfile(profile: { readonly title?: string; readonly avatar?: string }): Promise<void> {
    await this.#call('PATCH', this.#path, profile);
  }

  /** An empty text takes the announcement away. */
  async announce(text: string): Promise<void> {
    await this.#call('PUT', `${this.#path}/announcement`, { text });
  }

  async changeSettings(settings: Partial<GroupSettings>): Promise<void> {
    await this.#call('PATCH', `${this.#path}/settings`, settings);
  }

  /** Null: as the tenant has it. */
  async changeWindows(windows: GroupInfo['windows']): Promise<void> {
    await this.#call('PUT', `${this.#path}/windows`, windows);
  }

  /** 0 lifts the mute. */
  async mute(user: string, untilMs: number): Promise<void> {
    await this.#call('PUT', `${this.#path}/members/${user}/mute`, { untilMs });
  }

  async setNickname(user: string, nickname: string): Promise<void> {
    await this.#call('PUT', `${this.#path}/members/${user}/nickname`, { nickname });
  }

  async ban(user: string): Promise<void> {
    await this.#call('PUT', `${this.#path}/bans/${user}`);
  }

  async unban(user: string): Promise<void> {
    await this.#call('DELETE', `${this.#path}/bans/${user}`);
  }

  /** `next`: `after` for the next page; null on the last one. */
  async bans(page: ListPage = {}): Promise<{ readonly bans: readonly Ban[]; readonly next: string | null }> {
    return this.#list('bans', page);
  }

  async createInvite(
    invite: { readonly expiresAtMs?: number; readonly usesMax?: number } = {},
  ): Promise<{ readonly id: string; readonly code: string }> {
    const answer = await this.#call('POST', `${this.#path}/invites`, invite);
    return { id: String(answer['id']), code: String(answer['code']) };
  }

  async invites(
    page: ListPage = {},
  ): Promise<{ readonly invites: readonly Invite[]; readonly next: string | null }> {
    return this.#list('invites', page);
  }

  async revokeInvite(invite: string): Promise<void> {
    await this.#call('DELETE', `${this.#path}/invites/${invite}`);
  }

  /** `requested`: owner and admins have to approve. */
  async join(
    how: { readonly code?: string; readonly message?: string } = {},
  ): Promise<'joined' | 'requested'> {
    const { status } = await this.#call('POST', `${this.#path}/join`, how);
    return status === 'requested' ? 'requested' : 'joined';
  }

  async requests(
    page: ListPage = {},
  ): Promise<{ readonly requests: readonly JoinRequest[]; readonly next: string | null }> {
    return this.#list('requests', page);
  }

  async answerRequest(user: string, isApproved: boolean): Promise<void> {
    await this.#call('PUT', `${this.#path}/requests/${user}`, { isApproved });
  }

  async #list<Answer>(name: string, page: ListPage): Promise<Answer> {
    const query = new URLSearchParams(
      Object.entries(page).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return (await this.#call('GET', `${this.#path}/${name}?${query.toString()}`)) as unknown as Answer;
  }
}
