// The master keys of tenants that seal, from a file of the operator: they wrap what lies in the key bucket, so that neither the
// bucket nor its backups open anything by themselves. The newest wraps; older ones still unwrap, until all was wrapped anew.
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { tenantPattern } from '@parley/protocol';
import { keyBytes } from './key-tree.ts';

/** Some key of the bucket was wrapped with a master key that this process was not given. */
export class MasterKeyMissing extends Error {
  override readonly name = 'MasterKeyMissing';
}

interface TenantKeys {
  readonly isSealing: boolean;
  /** The newest first. */
  readonly keys: readonly { readonly id: string; readonly key: Buffer }[];
}

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const masterIdBytes = 8;

export class MasterKeys {
  readonly #tenants: ReadonlyMap<string, TenantKeys>;

  private constructor(tenants: ReadonlyMap<string, TenantKeys>) {
    this.#tenants = tenants;
  }

  /**
   * From JSON: `{"<tenant>": {"masterKeys": ["<32 bytes as base64>", …], "isSealing": true}}`, the newest key first;
   * `isSealing` is true by default, and false for a tenant whose new messages are not sealed any more. Throws an Error that
   * says what is wrong, and never shows a key.
   */
  static parse(text: string): MasterKeys {
    const tenants = new Map<string, TenantKeys>();
    for (const [tenant, given] of Object.entries(objectIn(text))) {
      if (!tenantPattern.test(tenant)) throw new Error('sealing keys: a tenant has no valid id');
      const { masterKeys, isSealing = true, ...unknown } = (given ?? {}) as Record<string, unknown>;
      const fail = (what: string): never => {
        throw new Error(`sealing keys of ${tenant}: ${what}`);
      };
      if (Object.keys(unknown).length > 0) fail('only masterKeys and isSealing are known');
      if (typeof isSealing !== 'boolean') fail('isSealing is true or false');
      if (!Array.isArray(masterKeys) || masterKeys.length === 0) fail('masterKeys is a list of at least one');
      const keys = (masterKeys as unknown[]).map((each) => {
        const key = typeof each === 'string' ? Buffer.from(each, 'base64') : Buffer.alloc(0);
        return key.length === keyBytes
          ? { id: hash('sha256', key, 'hex').slice(0, 2 * masterIdBytes), key }
          : fail(`a master key is ${keyBytes} bytes as base64`);
      });
      tenants.set(tenant, { isSealing: isSealing as boolean, keys });
    }
    return new MasterKeys(tenants);
  }

  get tenants(): readonly string[] {
    return [...this.#tenants.keys()];
  }

  /** There are keys: sealed messages of this tenant can be read here. */
  covers(tenant: string): boolean {
    return this.#tenants.has(tenant);
  }

  /** New messages of this tenant are sealed. */
  seals(tenant: string): boolean {
    return this.#tenants.get(tenant)?.isSealing === true;
  }

  /** The key that wraps now, hexadecimal. */
  newestId(tenant: string): string {
    return this.#newest(tenant).id;
  }

  /** `context` must be the same to unwrap. */
  wrap(tenant: string, secret: Uint8Array, context: string): { masterId: string; wrapped: Uint8Array } {
    const { id, key } = this.#newest(tenant);
    const nonce = randomBytes(nonceBytes);
    const wrapping = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(context));
    const parts = [nonce, wrapping.update(secret), wrapping.final(), wrapping.getAuthTag()];
    return { masterId: id, wrapped: Buffer.concat(parts) };
  }

  /** Throws MasterKeyMissing, and an Error when it was wrapped for another context or changed since. */
  unwrap(
    tenant: string,
    { masterId, wrapped }: { masterId: string; wrapped: Uint8Array },
    context: string,
  ): Uint8Array {
    const master = this.#tenants.get(tenant)?.keys.find(({ id }) => id === masterId);
    if (master === undefined)
      throw new MasterKeyMissing(`no master key ${masterId} of tenant ${tenant} is known here`);
    const unwrapping = createDecipheriv(cipher, master.key, wrapped.subarray(0, nonceBytes));
    unwrapping.setAAD(Buffer.from(context)).setAuthTag(wrapped.subarray(wrapped.length - tagBytes));
    const secret = unwrapping.update(wrapped.subarray(nonceBytes, wrapped.length - tagBytes));
    return Buffer.concat([secret, unwrapping.final()]);
  }

  #newest(tenant: string) {
    const newest = this.#tenants.get(tenant)?.keys[0];
    if (newest === undefined) throw new MasterKeyMissing(`no master key of tenant ${tenant} is known here`);
    return newest;
  }
}

function objectIn(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message would show a part of the file.
    throw new Error('sealing keys: the file is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('sealing keys: the file is no object of tenants');
  return value;
}
