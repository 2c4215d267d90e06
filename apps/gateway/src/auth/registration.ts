// Makes sure that a user entity exists for somebody whose account lives elsewhere (an external issuer): such a user
// never registered here. Called at hello and before the first HTTP request; remembered, so that it costs once.
import type { ErrorName } from '@parley/protocol';
import { internal } from '@parley/protocol';
import type { Result } from '@parley/std';
import { err, ok } from '@parley/std';
import { LRUCache } from 'lru-cache';
import type { CommandSender } from '../http/command-sender.ts';
import { errorNameIn } from '../http/command-sender.ts';
import { authLimits } from './auth-limits.ts';
import type { Identity } from './token-verifier.ts';

export class Registration {
  readonly #sender: CommandSender;
  readonly #externalTenants: ReadonlySet<string>;
  readonly #registered: LRUCache<string, true>;

  /** `externalTenants`: tenants whose accounts an external issuer keeps; all other users have registered here. */
  constructor(
    sender: CommandSender,
    externalTenants: Iterable<string>,
    usersMax = authLimits.registeredUsersMax,
  ) {
    this.#sender = sender;
    this.#externalTenants = new Set(externalTenants);
    this.#registered = new LRUCache({ max: usersMax });
  }

  /** Whether this tenant's accounts are kept by an external issuer. */
  isExternal(tenant: string): boolean {
    return this.#externalTenants.has(tenant);
  }

  /** Nothing to do for tenants whose users register here. */
  async ensureRegistered(identity: Identity): Promise<Result<void, ErrorName>> {
    if (!this.isExternal(identity.tenant)) return ok(undefined);
    const key = `${identity.tenant}/${identity.user}`;
    if (this.#registered.has(key)) return ok(undefined);
    const command = { registerUser: { handle: identity.user, displayName: '', passwordHash: '' } };
    const reply = await this.#sender.send(
      { type: 'user', tenant: identity.tenant, id: identity.user },
      internal.UserCommand.encode(command).finish(),
    );
    const failure = errorNameIn(reply);
    if (failure !== undefined && failure !== 'ALREADY_EXISTS') return err(failure);
    this.#registered.set(key, true);
    return ok(undefined);
  }
}
