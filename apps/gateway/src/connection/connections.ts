// All connections of this gateway, by number and, once their owner is known, by user, device and shard.
import type { VerifiedToken } from '../auth/token-verifier.ts';
import type { ShardLine } from '../dispatch/shard-line.ts';
import type { ClientConnection } from './client-connection.ts';

export class Connections {
  readonly #byNumber = new Map<number, ClientConnection>();
  readonly #byUser = new Map<string, Map<string, ClientConnection>>();
  readonly #byShard = new Map<string, Set<ClientConnection>>();

  get size(): number {
    return this.#byNumber.size;
  }

  add(connection: ClientConnection): void {
    this.#byNumber.set(connection.number, connection);
  }

  get(number: number): ClientConnection | undefined {
    return this.#byNumber.get(number);
  }

  all(): Iterable<ClientConnection> {
    return this.#byNumber.values();
  }

  ofShard(name: string): Iterable<ClientConnection> {
    return this.#byShard.get(name) ?? [];
  }

  countOfUser(tenant: string, user: string): number {
    return this.#byUser.get(userKey(tenant, user))?.size ?? 0;
  }

  /** Gives the connection its owner. Returns the older connection of the same device, which has to go. */
  identify(
    connection: ClientConnection,
    identity: { token: VerifiedToken; device: string; line: ShardLine },
  ): ClientConnection | undefined {
    const { token, device, line } = identity;
    this.#forgetOwner(connection);
    const { tenant, user, expiresAtMs } = token;
    connection.owner = { tenant, user, expiresAtMs, device, line };
    const devices =
      this.#byUser.get(userKey(token.tenant, token.user)) ?? new Map<string, ClientConnection>();
    const older = devices.get(device);
    devices.set(device, connection);
    this.#byUser.set(userKey(token.tenant, token.user), devices);
    const ofShard = this.#byShard.get(line.name) ?? new Set<ClientConnection>();
    this.#byShard.set(line.name, ofShard.add(connection));
    return older;
  }

  isKnownDevice(tenant: string, user: string, device: string): boolean {
    return this.#byUser.get(userKey(tenant, user))?.has(device) ?? false;
  }

  remove(connection: ClientConnection): void {
    this.#byNumber.delete(connection.number);
    this.#forgetOwner(connection);
  }

  #forgetOwner(connection: ClientConnection): void {
    const { owner } = connection;
    if (owner === undefined) return;
    const key = userKey(owner.tenant, owner.user);
    const devices = this.#byUser.get(key);
    if (devices?.get(owner.device) === connection) devices.delete(owner.device);
    if (devices?.size === 0) this.#byUser.delete(key);
    const ofShard = this.#byShard.get(owner.line.name);
    ofShard?.delete(connection);
    if (ofShard?.size === 0) this.#byShard.delete(owner.line.name);
  }
}

const userKey = (tenant: string, user: string): string => `${tenant}/${user}`;
