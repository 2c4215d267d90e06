// Who is an admin: named in the settings of the gateways, as tenant/user, and of that tenant alone. Not a claim of the
// token: whoever is taken off the list is no admin at the next start, however long the token lives.
import type { Identity } from '../auth/token-verifier.ts';
import { ApiError } from './api-error.ts';
import type { HttpSettings } from './http-ports.ts';

export const isAdmin = ({ admins }: Pick<HttpSettings, 'admins'>, { tenant, user }: Identity): boolean =>
  admins?.includes(`${tenant}/${user}`) === true;

/** FORBIDDEN for everybody else. */
export function mustBeAdmin(settings: Pick<HttpSettings, 'admins'>, asker: Identity): void {
  if (!isAdmin(settings, asker))
    throw new ApiError('FORBIDDEN', 'You are not among the admins of this tenant.');
}
