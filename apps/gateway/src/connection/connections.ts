// All connections of this gateway, by number and, once their owner is known, by user, device and shard.
import type { VerifiedToken } from '../auth/token-verifier.ts';
import type { ShardLine } from '../dispatch/shard-line.ts';
import type { ClientConnection } from './client-connection.ts';

export class Connections {
  readonly #byNumber = new Map<number, ClientConnection>();
  /** By tenant and user: the newest connection, which leads to the others. Nearly all users have one. */
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
    let count = 0;
    for (let each = this.#newestOf(tenant, user); each !== undefined; each = each.nextOfUser) count++;
    return count;
  }

  /** Gives the connection its owner. Returns the older connection of the same device, which has to go. */
  identify(
    connection: ClientConnection,
    identity: { token: VerifiedToken; device: string; deviceClass: number; line: ShardLine },
  ): ClientConnection | undefined {
    const { token, device, deviceClass, line } = identity;
    this.#forgetOwner(connection);
    const { tenant, user, expiresAtMs, issuedAtMs } = token;
    connection.owner = { tenant, user, expiresAtMs, issuedAtMs, device, deviceClass, line };
    const older = this.#ofDevice(tenant, user, device);
    if (older !== undefined) this.#unchain(older);
    connection.nextOfUser = this.#newestOf(tenant, user);
    this.#setNewest(tenant, user, connection);
    const ofShard = this.#byShard.get(line.name) ?? new Set<ClientConnection>();
    this.#byShard.set(line.name, ofShard.add(connection));
    return older;
  }

  isKnownDevice(tenant: string, user: string, device: string): boolean {
    return this.#ofDevice(tenant, user, device) !== undefined;
  }

  remove(connection: ClientConnection): void {
    this.#byNumber.delete(connection.number);
    this.#forgetOwner(connection);
  }

  #forgetOwner(connection: ClientConnection): void {
    const { owner } = connection;
    if (owner === undefined) return;
    this.#unchain(connection);
    const ofShard = this.#byShard.get(owner.line.name);
    ofShard?.delete(connection);
    if (ofShard?.size === 0) this.#byShard.delete(owner.line.name);
  }

  #newestOf(tenant: string, user: string): ClientConnection | undefined {
    return this.#byUser.get(tenant)?.get(user);
  }

  #ofDevice(tenant: string, user: string, device: string): ClientConnection | undefined {
    let each = this.#newestOf(tenant, user);
    while (each !== undefined && each.owner?.device !== device) each = each.nextOfUser;
    return each;
  }

  #setNewest(tenant: string, user: string, connection: ClientConnection | undefined): void {
    let users = this.#byUser.get(tenant);
    if (users === undefined) this.#byUser.set(tenant, (users = new Map()));
    if (connection === undefined) users.delete(user);
    else users.set(user, connection);
    if (users.size === 0) this.#byUser.delete(tenant);
  }

  /** Takes it from the list of its user, if it is there: a newer connection of its device may have replaced it. */
  #unchain(connection: ClientConnection): void {
    const { tenant = '', user = '' } = connection.owner ?? {};
    const newest = this.#newestOf(tenant, user);
    if (newest === connection) {
      this.#setNewest(tenant, user, connection.nextOfUser);
    } else {
      let before = newest;
      while (before !== undefined && before.nextOfUser !== connection) before = before.nextOfUser;
      if (before !== undefined) before.nextOfUser = connection.nextOfUser;
    }
    connection.nextOfUser = undefined;
  }
}
