// Values by type, tenant and id. There may be a hundred thousand of them, so no key is built to find one, and none is kept.
import type { EntityAddress } from '@parley/std';

export class AddressMap<Value> {
  readonly #byType = new Map<string, Map<string, Map<string, Value>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(type: string, tenant: string, id: string): Value | undefined {
    return this.#byType.get(type)?.get(tenant)?.get(id);
  }

  set({ type, tenant, id }: EntityAddress, value: Value): void {
    let byTenant = this.#byType.get(type);
    if (byTenant === undefined) this.#byType.set(type, (byTenant = new Map()));
    let byId = byTenant.get(tenant);
    if (byId === undefined) byTenant.set(tenant, (byId = new Map()));
    const sizeBefore = byId.size;
    byId.set(id, value);
    this.#size += byId.size - sizeBefore;
  }

  delete({ type, tenant, id }: EntityAddress): void {
    const byTenant = this.#byType.get(type);
    const byId = byTenant?.get(tenant);
    if (byId?.delete(id) !== true) return;
    this.#size--;
    if (byId.size === 0) byTenant?.delete(tenant);
  }

  /** Values may leave meanwhile. */
  forEach(visit: (value: Value, tenant: string, id: string, type: string) => void): void {
    for (const [type, byTenant] of this.#byType)
      for (const [tenant, byId] of byTenant) for (const [id, value] of byId) visit(value, tenant, id, type);
  }

  /** Any of the type and tenant. */
  someOf(type: string, tenant: string): Value | undefined {
    return this.#byType.get(type)?.get(tenant)?.values().next().value;
  }
}
