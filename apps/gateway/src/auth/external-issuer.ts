// Issuers other than ourselves, whose tokens are accepted as they are: a company's own identity provider. Each serves
// tenants that are named here, and no other: an issuer must not be able to speak for another one's users.
import { tenantPattern } from '@parley/protocol';
import { z } from 'zod';

const tenantName = z.string().regex(tenantPattern);

export const externalIssuer = z
  .strictObject({
    /** The `iss` claim, exactly. */
    issuer: z.string().min(1).max(512),
    /** Where its keys are. https, except on this machine. */
    jwksUrl: z.url().refine(isSafeUrl, 'must be https (http is for localhost only)'),
    /** What `aud` must contain. */
    audience: z.string().min(1).max(512),
    /** All its users belong to this tenant … */
    tenant: tenantName.optional(),
    /** … or the tenant stands in this claim, and must be one of `tenants`. */
    tenantClaim: z.string().min(1).max(128).optional(),
    tenants: z.array(tenantName).min(1).max(1_000).optional(),
    /** The claim that holds the user id. */
    userClaim: z.string().min(1).max(128).default('sub'),
    /** Signature algorithms accepted. */
    algorithms: z.array(z.enum(asymmetricAlgorithms())).min(1).default(asymmetricAlgorithms()),
  })
  .refine((one) => (one.tenant === undefined) !== (one.tenantClaim === undefined), {
    message: 'give either `tenant`, or `tenantClaim` with `tenants`',
  })
  .refine((one) => (one.tenantClaim === undefined) === (one.tenants === undefined), {
    message: '`tenantClaim` and `tenants` go together',
  });

export type ExternalIssuer = z.infer<typeof externalIssuer>;

/** A list of issuers, as PARLEY_AUTH_ISSUERS holds it in JSON. A tenant belongs to one issuer at most. */
export const externalIssuers = z
  .array(externalIssuer)
  .max(100)
  .refine((all) => areDistinct(all.map((one) => one.issuer)), {
    message: 'an issuer stands twice in the list',
  })
  .refine((all) => areDistinct(all.flatMap(tenantsOf)), { message: 'a tenant belongs to one issuer only' });

/** The tenants an issuer speaks for. Their accounts are not ours: nobody can register or log in here for them. */
export const tenantsOf = (issuer: Pick<ExternalIssuer, 'tenant' | 'tenants'>): readonly string[] =>
  issuer.tenant === undefined ? (issuer.tenants ?? []) : [issuer.tenant];

const areDistinct = (names: readonly string[]) => new Set(names).size === names.length;

function isSafeUrl(text: string): boolean {
  const url = new URL(text);
  return url.protocol === 'https:' || (url.protocol === 'http:' && localHosts.has(url.hostname));
}

const localHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

function asymmetricAlgorithms() {
  return [
    'EdDSA',
    'Ed25519',
    'ES256',
    'ES384',
    'ES512',
    'PS256',
    'PS384',
    'PS512',
    'RS256',
    'RS384',
    'RS512',
  ] as ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];
}
